// Runs one scenario in Chromium and prints what it found as JSON. It reads its order (driver_test.go) from stdin.
import { readFileSync } from 'node:fs'
import { World } from './world.mjs'

const order = JSON.parse(readFileSync(0, 'utf8'))
const scenario = await import(`./${order.scenario}.mjs`)
const world = await World.open(order)
try {
  await scenario.default(world)
} finally {
  await world.close()
}
process.stdout.write(JSON.stringify(world.report), () => process.exit())
