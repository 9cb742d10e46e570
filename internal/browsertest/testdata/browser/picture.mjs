// The picture of the README: the login page as the quickstart shows it, 900 pixels wide.
import { join } from 'node:path'
import { base } from './world.mjs'

export default async function (world) {
  await world.check('login page', async () => {
    const context = await world.context({ viewport: { width: 720, height: 636 }, deviceScaleFactor: 1.25, colorScheme: 'light' })
    const page = await context.newPage()
    await page.goto(`${base}/auth/login`)
    await page.getByLabel('E-mail address').fill('ann@example.com')
    await page.evaluate(() => document.activeElement.blur())
    await page.screenshot({ path: join(world.order.screenshots, 'login.png') })
  })
}
