// A11: what a refused login and a forgotten password look like, for accounts of every kind.
import { Visitor } from './visitor.mjs'

// All that the browser was told, less the time and what was typed.
async function told(v, typed) {
  const headers = await v.answer.allHeaders()
  delete headers.date
  const body = (await v.answer.text()).replaceAll(typed, 'TYPED')
  return { status: v.answer.status(), headers, body }
}

async function compare(world, path, fill, status) {
  const seen = {}
  for (const [kind, identifier] of Object.entries(world.order.facts)) {
    const v = await Visitor.enter(world)
    await v.open(path)
    await v.send(path.slice('/auth'.length), fill(kind, identifier), { status })
    seen[kind] = await told(v, identifier)
    await v.leave()
  }
  for (const [kind, answer] of Object.entries(seen)) world.want(kind, answer, seen.unknown)
  if (!seen.unknown.body.includes('TYPED')) world.fault('the page does not repeat what was typed: was it read?')
}

export default async function (world) {
  const { password, facts } = world.order
  await world.check('login', async () => {
    for (let i = 0; i < 4; i++) { // locks the account
      const body = JSON.stringify({ identifier: facts.locked, password: 'not this one at all' })
      await world.program('https://id.shop.example/auth/login', { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    }
    const secret = (kind) => (kind === 'wrong' ? 'not this one at all' : password) // the others know theirs
    await compare(world, '/auth/login', (kind, identifier) => ({ identifier, password: secret(kind) }), 401)
  })
  await world.check('forgotten password', () => compare(world, '/auth/password/forgot', (_, identifier) => ({ identifier }), 200))
}
