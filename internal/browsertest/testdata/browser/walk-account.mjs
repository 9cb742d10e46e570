// The account page: profile, addresses, password.
import { ann } from './walk.mjs'

export const second = 'ann.b@mail.example'

export async function atProfile(v) {
  await v.open('/auth/account')
  await v.send('/account', { name: 'Ann Müller', 'data.age': '200' }, { status: 422 })
  await v.state('account-profile-error', 'account.heading', { errors: ['data.age'] })
  v.world.want('name', await v.value('/account', 'name'), 'Ann Müller')
  v.world.want('age', await v.value('/account', 'data.age'), '200')
  await v.send('/account', { 'data.age': '31', 'data.city': '' })
  await v.at('/auth/account?notice=profile_saved')
  await v.state('account-profile-saved', 'account.heading', { notice: 'profile_saved' })
  await v.open('/auth/account')
  const stored = ['name', 'data.age', 'data.city'].map((name) => v.value('/account', name))
  v.world.want('profile', await Promise.all(stored), ['Ann Müller', '31', ''])
}

// A further address is added, confirmed and made the primary one, and the first is removed.
export async function atAddresses(v) {
  await v.open('/auth/account')
  await v.send('/identities', { identifier: 'ann@@mail' }, { status: 422 })
  await v.state('account-address-error', 'account.heading', { errors: ['identifier'] })
  v.world.want('address', await v.value('/identities', 'identifier'), 'ann@@mail')
  await v.send('/identities', { identifier: second })
  await v.state('account-address-added', 'account.heading', { notice: 'identity_added' })
  await v.send('/verify/request', {}, { near: second })
  await v.state('account-address-sent', 'account.heading', { notice: 'verify_sent' })
  await v.open(await v.world.link(second, 'verify'))
  await v.send('/verify')
  await v.open('/auth/account')
  await v.send('/identities/primary', {}, { near: second })
  await v.state('account-address-primary', 'account.heading', { notice: 'identity_primary' })
  await v.send('/identities/remove', {}, { near: ann })
  await v.state('account-address-removed', 'account.heading', { notice: 'identity_removed' })
  const rows = v.page.locator('#identities .rows li')
  v.world.want('addresses', [await rows.count(), (await rows.innerText()).includes(second)], [1, true])
}

// Some time after the sign-in a change of addresses asks for the password again, and comes back.
export async function beingAskedAgain(v) {
  await v.open('/auth/account')
  await v.world.advance('20m')
  await v.send('/identities', { identifier: 'third@mail.example' }, { status: 403 })
  await v.state('login-again', 'login.reauth_heading', { notice: 'sign_in_first' })
  v.world.want('identifier', await v.value('/login', 'identifier'), second)
  await v.send('/login', { password: v.world.order.password })
  await v.at('/auth/account')
  await v.send('/identities', { identifier: 'third@mail.example' })
  await v.at('/auth/account?notice=identity_added')
  await v.send('/identities/remove', {}, { near: 'third@mail.example' })
  await v.at('/auth/account?notice=identity_removed')
}

export async function atPassword(v) {
  await v.open('/auth/account')
  const next = 'seven green kettles hum softly'
  await v.send('/password/change', { current: 'not this one at all', password: next }, { status: 422 })
  await v.state('account-password-wrong', 'account.heading', { errors: ['current'] })
  await v.send('/password/change', { current: v.world.order.password, password: 'short' }, { status: 422 })
  await v.state('account-password-weak', 'account.heading', { errors: ['password'] })
  await v.send('/password/change', { current: v.world.order.password, password: next })
  await v.state('account-password-changed', 'account.heading', { notice: 'password_changed' })
  v.password = next
}
