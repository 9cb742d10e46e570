// Out, and in again: with the password, without it, and with links that have grown old.
import { second } from './walk-account.mjs'
import { sessionCookie } from './world.mjs'

export async function atSignOut(v) {
  await v.open('/auth/account')
  await v.send('/logout')
  await v.state('signed-out', 'signed_out.heading')
  v.world.want('cookie', await sessionCookie(v.context), undefined)
  await v.open('/auth/account')
  await v.at('/auth/login?notice=sign_in_first&return_to=%2Fauth%2Faccount')
}

// What is wrong is told, what was typed is kept, and who wants to be remembered is.
export async function atSignIn(v) {
  await v.send('/login', { identifier: second, password: '', remember: true }, { status: 400 })
  await v.state('login-empty', 'login.heading', { errors: ['password'] })
  await v.send('/login', { password: 'not this one at all' }, { status: 401 })
  await v.state('login-wrong', 'login.heading', { errors: [''] })
  v.world.want('identifier', await v.value('/login', 'identifier'), second)
  v.world.want('remember', await v.form('/login').locator('[name=remember]').isChecked(), true)
  await v.send('/login', { password: v.password })
  await v.at('/auth/account')
  const days = ((await sessionCookie(v.context)).expires - Date.now() / 1000) / 86400
  v.world.want('remembered for a month at least', days > 30, true)
  await v.open('/auth/signup')
  await v.send('/signup', { email: second, 'data.age': '30', password: v.world.order.password }, { status: 409 })
  await v.state('signup-taken', 'signup.heading', { errors: ['email'] })
  await v.open('/auth/account')
  await v.send('/logout')
}

// A link for a new password, which signs out everywhere and works once.
export async function atForgottenPassword(v) {
  await v.open('/auth/login')
  await v.follow('/auth/password/forgot')
  await v.state('forgot', 'forgot.heading')
  await v.send('/password/forgot', { identifier: '' }, { status: 400 })
  await v.state('forgot-empty', 'forgot.heading', { errors: ['identifier'] })
  await v.send('/password/forgot', { identifier: second })
  await v.state('forgot-sent', 'forgot_sent.heading')
  const link = await v.world.link(second, 'password/reset')
  await v.open(link)
  await v.open(link)
  await v.state('reset', 'reset.heading')
  await v.send('/password/reset', { password: 'short' }, { status: 422 })
  await v.state('reset-weak', 'reset.heading', { errors: ['password'] })
  v.password = 'nine quiet lamps over water'
  await v.send('/password/reset', { password: v.password })
  await v.state('login-after-reset', 'login.heading', { notice: 'password_reset' })
  await v.send('/login', { identifier: second, password: v.password })
  await v.at('/')
  await v.open(link, 400)
  await v.state('reset-dead', 'reset.dead_heading')
}

export async function atExpiredLinks(v) {
  await v.open('/auth/password/forgot')
  await v.send('/password/forgot', { identifier: second })
  const link = await v.world.link(second, 'password/reset')
  await v.open(link)
  await v.world.advance('31m')
  await v.send('/password/reset', { password: 'nobody will ever use this' }, { status: 400 })
  await v.state('reset-expired', 'reset.dead_heading')
  await v.open(link, 400)
}
