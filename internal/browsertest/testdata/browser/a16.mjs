// A16: a browser whose requests name another host, as a broken proxy or a poisoned cache makes them, gets links home.
import { Visitor } from './visitor.mjs'
import { base } from './world.mjs'

export default async function (world) {
  await world.check('in the browser', async () => {
    const host = world.order.facts.poison
    const v = await Visitor.enter(world, { context: { extraHTTPHeaders: { 'x-forwarded-host': host, forwarded: `host=${host}` } } })
    await v.open('/auth/password/forgot')
    await v.send('/password/forgot', { identifier: 'ann@mail.example' })
    await v.saysNot(host)
    const link = await world.link('ann@mail.example', 'password/reset')
    world.want('origin of the link', new URL(link).origin, base)
    await v.open(link)
    await v.saysNot(host)
    await v.send('/password/reset', { password: 'nine quiet lamps over water' })
    await v.send('/login', { identifier: 'ann@mail.example', password: 'nine quiet lamps over water' })
    await v.at('/')
    await v.says('ann@mail.example')
  })
}
