// The account page: devices and API keys.
import { second } from './walk-account.mjs'
import { Visitor } from './visitor.mjs'
import { base } from './world.mjs'

// Another browser of the same person.
async function signIn(v) {
  const other = await Visitor.enter(v.world)
  await other.open('/auth/login?return_to=/app')
  await other.send('/login', { identifier: second, password: v.password })
  await other.at('/app')
  return other
}

async function isOut(other) {
  await other.open('/app')
  await other.at('/auth/login?notice=sign_in_first&return_to=%2Fapp')
  await other.leave()
}

// One session is ended by its row, and all others at once; whoever had them must sign in.
export async function atDevices(v) {
  const phone = await signIn(v)
  await v.open('/auth/account')
  await v.state('account-devices', 'account.heading')
  v.world.want('devices', await v.page.locator('#devices .rows li').count(), 2)
  await v.send('/sessions/{id}/end')
  await v.state('account-device-ended', 'account.heading', { notice: 'session_ended' })
  await isOut(phone)
  const others = [await signIn(v), await signIn(v)]
  await v.open('/auth/account')
  await v.send('/sessions/end-others')
  await v.state('account-devices-ended', 'account.heading', { notice: 'sessions_ended' })
  v.world.want('devices', await v.page.locator('#devices .rows li').count(), 1)
  for (const other of others) await isOut(other)
}

// A key is shown once, works within its rights, and not at all when it is revoked.
export async function atKeys(v) {
  await v.open('/auth/account')
  await v.send('/keys', { name: 'backup' }, { status: 422 })
  await v.state('account-key-error', 'account.heading', { errors: ['scopes'] })
  v.world.want('name', await v.value('/keys', 'name'), 'backup')
  await v.send('/keys', { 'scope.read': true })
  await v.state('account-key-new', 'account.heading', { notice: 'key_created' })
  const key = await v.page.locator('.secret').innerText()
  const hello = async () => (await v.world.program(`${base}/api/hello`, { headers: { authorization: `Bearer ${key}` } })).status
  v.world.want('with the key', await hello(), 200)
  await v.open('/auth/account')
  await v.saysNot(key)
  await v.state('account-key', 'account.heading')
  await v.send('/keys/{id}/revoke', {}, { near: 'backup' })
  await v.state('account-key-revoked', 'account.heading', { notice: 'key_revoked' })
  v.world.want('with the revoked key', await hello(), 401)
}
