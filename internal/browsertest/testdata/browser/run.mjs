// Plays scenarios in one Chromium, each as soon as it is asked to. It reads orders from stdin and writes reports to stdout,
// one line of JSON each (driver_test.go), and ends when there are no more orders.
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import { World } from './world.mjs'

const [executablePath, pin] = process.argv.slice(2)

// No host has an address but the proxies of the tests, and of all certificates that nobody has signed the tests' own is
// accepted.
const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    '--no-first-run', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', `--ignore-certificate-errors-spki-list=${pin}`,
  ],
})

async function play(order) {
  const world = new World(order, browser)
  try {
    const scenario = await import(`./${order.scenario}.mjs`)
    await scenario.default(world)
  } catch (e) {
    world.report.error = String(e.stack ?? e)
  }
  await world.close()
  process.stdout.write(JSON.stringify(world.report) + '\n')
}

const plays = []
for await (const line of createInterface({ input: process.stdin })) plays.push(play(JSON.parse(line)))
await Promise.all(plays)
await browser.close()
