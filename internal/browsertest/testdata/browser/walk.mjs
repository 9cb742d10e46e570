// The way of one person through every page and state, from the first visit on. It is one story: each part goes on where
// the one before has ended.
import { atDevices, atKeys } from './walk-things.mjs'
import { atAddresses, atPassword, atProfile, beingAskedAgain } from './walk-account.mjs'
import { atExpiredLinks, atForgottenPassword, atSignIn, atSignOut } from './walk-return.mjs'
import { Visitor } from './visitor.mjs'
import { sessionCookie } from './world.mjs'

export const ann = 'ann@mail.example'

export default async function (world) {
  const v = await Visitor.enter(world)
  await world.check('arrival', () => atArrival(v))
  await world.check('sign-up', () => atSignUp(v))
  await world.check('confirmation', () => atConfirmation(v))
  await world.check('profile', () => atProfile(v))
  await world.check('addresses', () => atAddresses(v))
  await world.check('recent sign-in', () => beingAskedAgain(v))
  await world.check('password', () => atPassword(v))
  await world.check('devices', () => atDevices(v))
  await world.check('keys', () => atKeys(v))
  await world.check('sign-out', () => atSignOut(v))
  await world.check('sign-in', () => atSignIn(v))
  await world.check('forgotten password', () => atForgottenPassword(v))
  await world.check('links that expire', () => atExpiredLinks(v))
  await world.check('verify first', () => whereAddressesComeFirst(world))
  await world.check('errors', () => atErrors(v))
}

// A page for people sends to the login page, and its link to sign-up remembers the way back.
async function atArrival(v) {
  await v.open('/app')
  await v.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
  await v.state('login-first', 'login.heading', { notice: 'sign_in_first' })
  await v.follow('/auth/signup?return_to=%2Fapp')
  await v.state('signup', 'signup.heading')
}

// Errors are told at their fields, nothing typed is lost but the password, and at last the way leads back.
async function atSignUp(v) {
  const typed = { email: 'ann@@mail', name: 'Änn <b>&amp;', 'data.city': 'Köln', 'data.age': '7' }
  await v.send('/signup', { ...typed, password: 'short' }, { status: 422 })
  await v.state('signup-errors', 'signup.heading', { errors: ['email', 'password', 'data.age'] })
  for (const [name, value] of Object.entries(typed)) v.world.want(name, await v.value('/signup', name), value)
  const line = v.page.locator('.summary a').first()
  await line.click()
  v.world.want('focus', await v.page.evaluate(() => document.activeElement.name), 'email')
  await v.send('/signup', { email: ann, 'data.age': '30', password: v.world.order.password })
  await v.at('/app')
  await v.says(ann)
  const cookie = await sessionCookie(v.context)
  v.world.want('cookie', [cookie?.secure, cookie?.httpOnly, cookie?.sameSite, cookie?.path, cookie?.expires, cookie?.domain],
    [true, true, 'Lax', '/', -1, 'id.shop.example'])
}

// The link in the mail opens a page with a button, as often as one likes; the button uses it up.
async function atConfirmation(v) {
  await v.follow('/auth/account')
  await v.state('account-unconfirmed', 'account.heading')
  await v.says(v.text('identities.unverified'))
  const link = await v.world.link(ann, 'verify')
  for (let i = 0; i < 3; i++) await v.open(link)
  await v.state('verify', 'verify.heading')
  await v.open('/auth/account')
  await v.says(v.text('identities.unverified'))
  await v.open(link)
  await v.send('/verify')
  await v.state('verified', 'verified.heading')
  await v.follow('/')
  await v.says(ann)
  await v.open('/auth/account')
  await v.says(v.text('identities.verified'))
  await v.open(link, 400)
  await v.state('verify-dead', 'verify.dead_heading')
}

// With VerifyFirst nobody is told whether an address is taken.
async function whereAddressesComeFirst(world) {
  const v = await Visitor.enter(world, { origin: 'https://strict.shop.example' })
  await v.open('/auth/signup')
  await v.send('/signup', { email: ann, 'data.age': '30', password: world.order.password })
  await v.state('pending', 'pending.heading')
  world.want('cookie', await sessionCookie(v.context, v.origin), undefined)
  await v.open(await world.link(ann, 'verify', '/strict'))
  await v.send('/verify')
  await v.state('verified-elsewhere', 'verified.heading')
  await v.follow('/auth/login')
  await v.send('/login', { identifier: ann, password: world.order.password })
  await v.at('/')
  await v.leave()
}

// A form that comes from another site, and an address where there is nothing.
async function atErrors(v) {
  v.trusted = (url) => url.startsWith(`${v.origin}/`) || url.startsWith('https://evil.example/')
  const form = `<form method="post" action="${v.origin}/auth/login"><input name="identifier" value="x"><button>Go</button></form>`
  await v.open(`https://evil.example/?html=${encodeURIComponent(form)}`)
  await v.press(v.page.locator('button'), 403)
  await v.state('error-csrf', 'problem.csrf.title')
  await v.open('/auth/nothing-here', 404)
  await v.state('error-not-found', 'problem.not_found.title')
}
