// A17: return_to, in the address of the login page and in the forms themselves.
import { Visitor } from './visitor.mjs'

const hostile = [
  '//evil.example', '/\\evil.example', '\\/evil.example', 'https:evil.example', 'https://evil.example', '/%09/evil.example',
  '/%2f/evil.example', '/%5cevil.example', '/\t/evil.example', '/x\r\nLocation: https://evil.example', '/%0d%0aLocation:%20x',
  'good@evil.example', '//id.shop.example@evil.example', 'javascript:alert(1)', 'data:text/html,x', '/..//evil.example',
  '/./evil', 'evil.example', '///evil.example', '/%252f%252fevil.example', ' //evil.example', '?x', '#x',
]
const ann = 'ann@mail.example'

// What an attacker's page or a tampered form would put there.
async function tamper(form, value) {
  await form.evaluate((f, text) => {
    f.querySelector('[name=return_to]')?.remove()
    const input = document.createElement('textarea') // keeps line breaks, as input does not
    Object.assign(input, { name: 'return_to', value: text })
    input.hidden = true
    f.append(input)
  }, value)
}

export default async function (world) {
  const { password } = world.order
  const v = await Visitor.enter(world)
  await world.check('in the address', async () => {
    for (const path of hostile) {
      await v.open(`/auth/login?return_to=${encodeURIComponent(path)}`)
      await v.send('/login', { identifier: ann, password })
      world.want(path, v.page.url(), `${v.origin}/`)
    }
  })
  await world.check('in the form', async () => {
    for (const [i, path] of hostile.entries()) {
      if (i % 4 === 0) { // a sign-in takes its time, and all forms go on in one way
        await v.open('/auth/login')
        await tamper(v.form('/login'), path)
        await v.send('/login', { identifier: ann, password })
        world.want(path, v.page.url(), `${v.origin}/`)
      }
      await v.open('/auth/account')
      const form = v.form('/account')
      await tamper(form, path)
      await v.press(form.locator('button'))
      world.want(`account: ${path}`, v.page.url(), `${v.origin}/`)
    }
  })
  await world.check('Referer', async () => {
    v.trusted = (url) => url.startsWith(`${v.origin}/`) || url.startsWith('https://evil.example/')
    await v.open(`https://evil.example/?html=${encodeURIComponent(`<a href="${v.origin}/auth/login">Go</a>`)}`)
    await v.follow(`${v.origin}/auth/login`)
    await v.send('/login', { identifier: ann, password })
    await v.at('/')
  })
  await world.check('a path of its own', async () => {
    await v.open('/auth/login?return_to=%2Fapp%3Ftab%3D1%26x%3D%2F%2Fevil.example')
    await v.send('/login', { identifier: ann, password })
    await v.at('/app?tab=1&x=//evil.example')
  })
}
