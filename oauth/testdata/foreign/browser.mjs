// People who sign in through the provider of provider.mjs, in Chromium. It reads what to do as JSON from stdin:
// { chromium, site, javaScript }, and prints what they saw.
import { readFileSync } from 'node:fs'
import { chromium } from 'playwright-core'

const { chromium: executablePath, site, javaScript } = JSON.parse(readFileSync(0, 'utf8'))
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  ],
})
const password = 'purple otters sing at dawn'
const saw = {}

// Somebody with a browser of their own.
async function person(does) {
  const context = await browser.newContext({ javaScriptEnabled: javaScript, locale: 'en' })
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  await does(page)
  await context.close()
}

// Without JavaScript a page that posts by itself shows a button instead.
async function postOn(page) {
  const button = page.locator('noscript button, form[action*="/callback"] button')
  if (!javaScript && !page.url().startsWith(site) && await button.count() > 0) await button.click()
}

// At the provider: who somebody is, and that the application may know.
async function agree(page, name) {
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill('any')
  await page.locator('button[type=submit]').click()
  await page.locator('input[name=prompt][value=consent]').waitFor({ state: 'attached' })
  await page.locator('button[type=submit]').click()
  await postOn(page)
  await page.waitForURL((url) => url.href.startsWith(site + '/') && !url.pathname.startsWith('/auth/oauth/'))
}

const text = (page) => page.locator('body').innerText()

await person(async (page) => {
  await page.goto(`${site}/auth/login?return_to=/me`)
  await page.getByText('Continue with Example ID').click()
  await agree(page, 'ada')
  saw.back = page.url().slice(site.length)
  saw.ada = await text(page)
  await page.goto(`${site}/auth/account`)
  saw.account = await text(page)
})

await person(async (page) => {
  await page.goto(`${site}/auth/signup`)
  await page.locator('input[name=email]').fill('charles@here.example')
  await page.locator('input[name=password]').fill(password)
  await page.locator('main form button[type=submit], main form button:not([type])').first().click()
  await page.waitForURL((url) => url.pathname !== '/auth/signup')
  await page.goto(`${site}/me`)
  saw.charles = await text(page)
  await page.goto(`${site}/auth/account`)
  await page.getByText('Connect Example ID').click()
  await agree(page, 'charles')
  saw.connectedAt = page.url().slice(site.length)
  saw.connected = await text(page)
  await page.locator('form[action*="/unlink"] button').click()
  await page.waitForURL((url) => url.search.includes('disconnected'))
  saw.disconnected = await text(page)
})

await person(async (page) => {
  await page.goto(`${site}/auth/login`)
  await page.getByText('Continue with Example ID').click()
  await page.locator('input[name=login]').waitFor()
  await page.locator('a[href*="/abort"]').click()
  await postOn(page)
  await page.waitForURL((url) => url.href.startsWith(site + '/auth/oauth/example/callback'))
  await page.getByText('Continue with Example ID').waitFor()
  saw.cancelled = await text(page)
  await page.goto(`${site}/me`)
  saw.afterwards = await text(page)
})

await browser.close()
process.stdout.write(JSON.stringify(saw))
