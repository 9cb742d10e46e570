// A29: two tenants under hosts of their own, and what one of them has given out, at the other.
import { Visitor } from './visitor.mjs'
import { cookieName, sessionCookie } from './world.mjs'

const acme = 'https://acme.shop.example'
const globex = 'https://globex.shop.example'
const ann = 'ann@mail.example'
const mal = 'mal@mail.example'
const json = { 'content-type': 'application/json' }

async function signUp(world, origin, email) {
  const v = await Visitor.enter(world, { origin })
  await v.open('/auth/signup?return_to=/app')
  await v.send('/signup', { email, 'data.age': '30', password: world.order.password })
  await v.at('/app')
  return v
}

// Posts one of the account page's forms to another address.
async function misuse(v, action, status) {
  await v.open('/auth/account')
  const button = await v.form('/account').locator('button').elementHandle()
  await button.evaluate((b, to) => { b.form.action = to }, action)
  await v.press(button, status)
}

export default async function (world) {
  const home = await signUp(world, acme, ann)
  const away = await signUp(world, globex, mal)
  const { value } = await sessionCookie(home.context, acme)
  const cookie = `${cookieName}=${value}`
  const ask = (origin, path, how) => world.program(origin + path, how)

  await world.check('cookie', async () => {
    const v = await Visitor.enter(world, { origin: globex })
    await v.context.addCookies([{ name: cookieName, value, url: globex, secure: true, httpOnly: true }])
    await v.open('/app')
    await v.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
    world.want('elsewhere', (await ask(globex, '/auth/session', { headers: { cookie } })).status, 401)
    world.want('at home', (await ask(acme, '/auth/session', { headers: { cookie } })).status, 200)
  })

  await world.check('id of a session', async () => {
    const { session } = JSON.parse((await ask(acme, '/auth/session', { headers: { cookie } })).text)
    await misuse(away, `/auth/sessions/${session.id}/end`, 404)
    await home.open('/app')
    await home.says(ann)
  })

  await world.check('key and its id', async () => {
    await home.open('/auth/account')
    await home.send('/keys', { name: 'backup', 'scope.read': true })
    const key = await home.page.locator('.secret').innerText()
    const hello = async (origin) => (await ask(origin, '/api/hello', { headers: { authorization: `Bearer ${key}` } })).status
    world.want('elsewhere', await hello(globex), 401)
    const { keys } = JSON.parse((await ask(acme, '/auth/keys', { headers: { cookie } })).text)
    await misuse(away, `/auth/keys/${keys[0].id}/revoke`, 404)
    world.want('at home', await hello(acme), 200)
  })

  await world.check('tokens', async () => {
    const body = JSON.stringify({ identifier: ann, password: world.order.password, scope: 'read' })
    const pair = JSON.parse((await ask(acme, '/auth/api/login', { method: 'POST', headers: json, body })).text)
    const hello = async (origin) => (await ask(origin, '/api/hello', { headers: { authorization: `Bearer ${pair.access_token}` } })).status
    world.want('access token elsewhere', await hello(globex), 401)
    world.want('access token at home', await hello(acme), 200)
    const refresh = JSON.stringify({ grant_type: 'refresh_token', refresh_token: pair.refresh_token })
    const renew = async (origin) => (await ask(origin, '/auth/token', { method: 'POST', headers: json, body: refresh })).status
    world.want('refresh token elsewhere', await renew(globex), 400)
    world.want('refresh token at home', await renew(acme), 200)
    world.want('person elsewhere', (await ask(globex, '/auth/login', { method: 'POST', headers: json, body })).status, 401)
  })

  await world.check('links', async () => {
    await home.open('/auth/password/forgot')
    await home.send('/password/forgot', { identifier: ann })
    for (const purpose of ['verify', 'password/reset']) {
      const link = await world.link(ann, purpose)
      world.want('origin of the link', new URL(link).origin, acme)
      await away.open(link.replace(acme, globex), 400)
      const body = JSON.stringify({ token: new URL(link).searchParams.get('token'), password: 'nine quiet lamps over water' })
      world.want(`${purpose} elsewhere`, (await ask(globex, `/auth/${purpose}`, { method: 'POST', headers: json, body })).status, 400)
      await home.open(link)
      await home.send(`/${purpose}`, purpose === 'verify' ? {} : { password: 'nine quiet lamps over water' })
    }
  })

  await world.check('pages and hosts', async () => {
    const form = `<form method="post" action="${globex}/auth/logout"><button>Out</button></form>`
    home.trusted = away.trusted = () => true
    const page = await away.context.newPage()
    await page.goto(`https://blog.shop.example/?html=${encodeURIComponent(form)}`)
    const [answer] = await Promise.all([page.waitForNavigation(), page.locator('button').click()])
    world.want('logout from a sibling', answer.status(), 403)
    await away.open('/app')
    await away.says(mal)
    for (const host of ['initech.shop.example', 'poison.example', 'x.acme.shop.example']) {
      world.want(host, (await ask(acme, '/auth/session', { headers: { host, cookie } })).status, 404)
    }
  })
}
