// A21: sessions that were planted, and sessions that are over.
import { Visitor } from './visitor.mjs'
import { base, cookieName, sessionCookie } from './world.mjs'

const ann = 'ann@mail.example'
const mal = 'mal@mail.example'

const planted = (value, more = {}) => ({
  name: cookieName, value, url: base, secure: true, httpOnly: true, sameSite: 'Lax', ...more,
})

async function signedIn(world, identifier, before = []) {
  const v = await Visitor.enter(world)
  await v.context.addCookies(before)
  await v.open('/auth/login?return_to=/app')
  await v.send('/login', { identifier, password: world.order.password })
  await v.at('/app')
  await v.says(identifier)
  return v
}

// A new browser that has somebody's cookie is nobody.
async function isDead(world, value) {
  const v = await Visitor.enter(world)
  await v.context.addCookies([planted(value)])
  await v.open('/app')
  await v.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
  const { status } = await world.program(`${base}/auth/session`, { headers: { cookie: `${cookieName}=${value}` } })
  world.want('by a program', status, 401)
  await v.leave()
}

export default async function (world) {
  await world.check('session of the attacker before sign-in', async () => {
    const attacker = await signedIn(world, mal)
    const { value } = await sessionCookie(attacker.context)
    const v = await signedIn(world, ann, [planted(value)])
    const after = (await sessionCookie(v.context)).value
    world.want('the same secret', after === value, false)
    await v.saysNot(mal)
    await attacker.open('/app')
    await attacker.saysNot(ann)
  })
  await world.check('invented session before sign-in', async () => {
    const value = 'A'.repeat(74)
    const v = await signedIn(world, ann, [planted(value)])
    world.want('the same secret', (await sessionCookie(v.context)).value === value, false)
    await isDead(world, value)
  })
  await world.check('after signing out', async () => {
    const v = await signedIn(world, ann)
    const { value } = await sessionCookie(v.context)
    await v.open('/auth/account')
    await v.send('/logout')
    world.want('cookie', await sessionCookie(v.context), undefined)
    await isDead(world, value)
  })
  await world.check('after a change of password', async () => {
    const v = await signedIn(world, mal)
    const other = await signedIn(world, mal)
    const before = await Promise.all([v, other].map(async (x) => (await sessionCookie(x.context)).value))
    await v.open('/auth/account')
    await v.send('/password/change', { current: world.order.password, password: 'nine quiet lamps over water' })
    await v.open('/app')
    await v.says(mal)
    for (const value of before) await isDead(world, value)
  })
  await world.check('planted by a sibling', () => bySibling(world))
}

// A page of the same site tries to set our cookie, under its name and under others.
async function bySibling(world) {
  const attacker = await signedIn(world, ann) // stands for any account that the attacker has
  const { value } = await sessionCookie(attacker.context)
  const v = await Visitor.enter(world)
  v.trusted = (url) => /^https:\/\/(id|blog)\.shop\.example\//.test(url)
  await v.open('https://blog.shop.example/')
  const wide = 'path=/; secure; domain=shop.example'
  const tries = [
    `${cookieName}=${value}; ${wide}`, `${cookieName.toUpperCase()}=${value}; ${wide}`, `oneauth=${value}; ${wide}`,
    `=${cookieName}=${value}; ${wide}`, `${cookieName}-attempt=${value}; ${wide}`, `__Secure-oneauth=${value}; ${wide}`,
    `${cookieName}=${value}; ${wide}; path=/app`,
  ]
  await v.page.evaluate((all) => { for (const text of all) document.cookie = text }, tries)
  const arrived = await v.context.cookies(base)
  world.want('something was planted', arrived.length > 0, true)
  world.want('under the name of the session', arrived.filter((c) => c.name === cookieName), [])
  await v.open('/app')
  await v.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
  const header = `${cookieName}=${value}; ${cookieName}=${'A'.repeat(74)}` // as a browser without prefixes would send them
  world.want('two of the name', (await world.program(`${base}/auth/session`, { headers: { cookie: header } })).status, 401)
}
