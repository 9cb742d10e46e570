// A28: what pages of other origins make the browser of a person send. The cookie goes along with what a sibling, a page
// of the same site, sends; and with none of what another site sends.
import { Visitor } from './visitor.mjs'
import { base, sessionCookie } from './world.mjs'

const ann = 'ann@mail.example'
const hosts = { 'another site': 'https://evil.example', 'a sibling': 'https://blog.shop.example' }
const inputs = (fields) => Object.entries(fields).map(([name, value]) => `<input name="${name}" value='${value}'>`).join('')

// Forms that would change something, by endpoint.
const forms = [
  ['/auth/account', { name: 'Hacked' }],
  ['/auth/password/change', { current: 'purple otters sing at dawn', password: 'nine quiet lamps over water' }],
  ['/auth/identities', { identifier: 'mal2@mail.example' }],
  ['/auth/identities/remove', { kind: 'email', value: ann }],
  ['/auth/keys', { name: 'hacked', scopes: 'read' }],
  ['/auth/sessions/end-others', {}],
  ['/auth/reauth', { password: 'purple otters sing at dawn' }],
  ['/auth/logout', {}],
  ['/auth/login', { identifier: 'mal@mail.example', password: 'purple otters sing at dawn' }],
  ['/auth/signup', { email: 'mal3@mail.example', 'data.age': '30', password: 'purple otters sing at dawn' }],
  ['/note', {}],
]

class Victim {
  static async enter(world, signedIn = true) {
    const victim = new Victim()
    victim.world = world
    victim.v = await Visitor.enter(world)
    victim.v.trusted = () => true
    victim.v.heard = () => {} // attacks that fail are loud
    if (signedIn) {
      await victim.v.open('/auth/login')
      await victim.v.send('/login', { identifier: ann, password: world.order.password })
    }
    victim.cookie = (await sessionCookie(victim.v.context))?.value
    await world.seen()
    return victim
  }

  async visit(host, html = '') {
    await this.v.page.goto(`${host}/?html=${encodeURIComponent(html)}`)
  }

  // Posts a form from a page there, and returns the status of the answer.
  async post(host, action, fields, attributes = '') {
    await this.visit(host, `<form method="post" action="${base}${action}" ${attributes}>${inputs(fields)}<button>Win</button></form>`)
    const [answer] = await Promise.all([this.v.page.waitForNavigation(), this.v.page.locator('button').click()])
    return answer.status()
  }

  // Nothing has changed: the same cookie, the same person, the same account, in the browser and at the server.
  async isUnharmed() {
    const { world, v } = this
    world.want('cookie', (await sessionCookie(v.context))?.value, this.cookie)
    const changed = (await world.seen()).filter((e) => e.Path.startsWith('/auth/') && e.SetsCookie)
    world.want('answers that set a cookie', changed, [])
    await v.open('/app')
    if (this.cookie === undefined) return v.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
    world.want('who', await v.page.locator('#who').innerText(), ann)
    const { headers, text } = await world.program(`${base}/auth/session`, { headers: { cookie: `__Host-oneauth=${this.cookie}` } })
    world.want('account', [headers['content-type'], JSON.parse(text).user.name, JSON.parse(text).user.identities.length], ['application/json', '', 1])
    const keys = await world.program(`${base}/auth/keys`, { headers: { cookie: `__Host-oneauth=${this.cookie}` } })
    world.want('keys', JSON.parse(keys.text).keys, [])
  }
}

// Another site's request has no cookie, for which some endpoints ask before anything else.
const refused = (host, status) => status === 403 || host === hosts['another site'] && status === 401

async function byForm(world, host) {
  const victim = await Victim.enter(world)
  for (const [action, fields] of forms) {
    for (const attributes of ['', 'enctype="multipart/form-data"']) {
      const status = await victim.post(host, action, fields, attributes)
      if (!refused(host, status)) world.fault(`${action} ${attributes}: ${status}`)
    }
  }
  await victim.isUnharmed()
}

// JSON that a form or a simple request can carry.
async function asPlainText(world, host) {
  const victim = await Victim.enter(world)
  for (const [action, fields] of forms) {
    const json = JSON.stringify(fields).replace(/}$/, `${action === '/auth/logout' ? '' : ','}"x":"`)
    const status = await victim.post(host, action, { [json.replaceAll("'", '')]: '"}' }, 'enctype="text/plain"')
    if (!refused(host, status)) world.fault(`${action}: ${status}`)
  }
  await victim.visit(host)
  await world.seen()
  const paths = forms.map(([action]) => action)
  await victim.v.page.evaluate(([origin, all]) => Promise.all(all.map(([action, fields]) => fetch(origin + action, {
    method: 'POST', mode: 'no-cors', credentials: 'include', headers: { 'content-type': 'text/plain' }, body: JSON.stringify(fields),
  }))), [base, forms])
  const seen = (await world.seen()).filter((e) => e.Method === 'POST')
  world.want('requests that arrived', seen.map((e) => e.Path).sort(), paths.sort())
  for (const e of seen) if (!refused(host, e.Status)) world.fault(`fetch of ${e.Path}: ${e.Status}`)
  await victim.isUnharmed()
}

// Methods that a form cannot send, claimed by headers, fields and parameters, and asked for in earnest.
async function byOverride(world, host) {
  const victim = await Victim.enter(world)
  const status = await victim.post(host, '/auth/sessions?_method=DELETE', { _method: 'DELETE' })
  if (![403, 405].includes(status)) world.fault(`_method: ${status}`)
  for (const method of ['PATCH', 'DELETE', 'PUT']) {
    const got = await victim.post(host, `/auth/account?_method=${method}`, { _method: method, name: 'Hacked' })
    if (!refused(host, got)) world.fault(`_method ${method}: ${got}`)
  }
  await victim.visit(host)
  const asked = await victim.v.page.evaluate(async (origin) => {
    const send = (path, init) => fetch(origin + path, { credentials: 'include', ...init }).then(() => 'answered', () => 'refused')
    const json = { 'content-type': 'application/json' }
    return Promise.all([
      send('/auth/account', { method: 'POST', headers: { 'x-http-method-override': 'PATCH' }, body: '{"name":"Hacked"}' }),
      send('/auth/account', { method: 'PATCH', headers: json, body: '{"name":"Hacked"}' }),
      send('/auth/sessions', { method: 'DELETE' }),
      send('/auth/logout', { method: 'POST', headers: json, body: '{}' }),
      send('/auth/session', {}), // may be sent, but not be read
    ])
  }, base)
  world.want('fetches', asked, Array(5).fill('refused'))
  await victim.isUnharmed()
}

// Somebody who is signed out is not signed in, or up, as the attacker.
async function loginForgery(world, host) {
  const victim = await Victim.enter(world, false)
  for (const [action, fields] of forms.filter(([a]) => ['/auth/login', '/auth/signup'].includes(a))) {
    world.want(action, await victim.post(host, action, fields), 403)
    world.want(`${action} in a frame`, await victim.post(host, action, fields, 'target="_self"'), 403)
  }
  await victim.isUnharmed()
}

// Links, images and frames.
async function byGet(world, host) {
  const victim = await Victim.enter(world)
  const gets = ['logout', 'sessions/end-others', 'account?name=Hacked', 'login?identifier=mal&password=x', 'password/change?password=x']
  await victim.visit(host, gets.map((path) => `<img src="${base}/auth/${path}">`).join(''))
  for (const path of gets) await victim.v.page.goto(`${base}/auth/${path}`)
  await victim.visit(host, `<iframe src="${base}/auth/account"></iframe><iframe src="${base}/auth/login"></iframe>`)
  for (const frame of victim.v.page.frames().slice(1)) {
    const text = await frame.locator('body').innerText().catch(() => '')
    if (frame.url().startsWith(base) || text.includes(ann)) world.fault(`framed: ${frame.url()} ${text}`)
  }
  await victim.isUnharmed()
}

export default async function (world) {
  const ways = { form: byForm, 'plain text': asPlainText, 'another method': byOverride, 'login CSRF': loginForgery, 'GET and frames': byGet }
  for (const [way, attack] of Object.entries(ways)) {
    for (const [whose, host] of Object.entries(hosts)) await world.check(`${way} from ${whose}`, () => attack(world, host))
  }
}
