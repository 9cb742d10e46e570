// Opens every page that the server lists, in both colour schemes and at three widths, and reports what a person would
// stumble over. Usage: node walk.mjs <base URL> <chromium> <folder for screenshots, or "">
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [base, executablePath, shots] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const args = [
  '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--no-first-run',
]
const widths = [320, 768, 1280]
const faults = []
let visits = 0
let audits = 0

// What can be asked of the document itself: no sideways scrolling, targets large enough for a finger, a ring around
// whatever has the focus.
function inspect(touch) {
  const found = []
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) found.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`)
  for (const e of document.querySelectorAll('button, .button, input, select')) {
    const box = (e.type === 'checkbox' ? e.closest('label') : e).getBoundingClientRect()
    const seen = box.width > 0 && box.height > 0
    if (seen && touch && box.height < 44) found.push(`${e.outerHTML.slice(0, 90)} is ${box.height} px high`)
    if (seen && box.right > root.clientWidth + 0.5) found.push(`${e.outerHTML.slice(0, 90)} sticks out`)
  }
  return found
}

async function ring(page) {
  const reachable = await page.locator('a[href], button, input:not([type=hidden]):not([hidden]), select').count()
  await page.evaluate(() => document.activeElement?.blur())
  const missing = []
  const reached = new Set()
  for (let i = 0; i <= reachable; i++) { // once more, for the way round leads over the document itself
    await page.keyboard.press('Tab')
    const [name, outline] = await page.evaluate(() => {
      const e = document.activeElement
      if (e === document.body) return ['', '']
      const all = [...document.querySelectorAll('*')]
      return [`${all.indexOf(e)} ${e.outerHTML.slice(0, 90)}`, getComputedStyle(e).outlineStyle]
    })
    if (name === '') continue
    reached.add(name)
    if (outline === 'none') missing.push(`no focus ring: ${name}`)
  }
  if (reached.size < reachable) missing.push(`Tab reaches ${reached.size} of ${reachable} controls`)
  return missing
}

// The browser moves the focus with the first frame that it draws.
async function summaryFocused(page) {
  const focused = () => [null, document.activeElement].includes(document.querySelector('.summary'))
  return page.waitForFunction(focused, null, { timeout: 10_000 }).then(() => true, () => false)
}

async function audit(page) {
  audits++
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 120)} (${n.failureSummary})`))
}

async function walk(browser, list, scheme) {
  const context = await browser.newContext({ colorScheme: scheme, hasTouch: true, isMobile: true, viewport: { width: 320, height: 700 } })
  const page = await context.newPage()
  let where = ''
  const fault = (text) => faults.push(`${where}: ${text}`)
  page.on('console', (m) => m.type() === 'error' && fault(`console: ${m.text()}`))
  page.on('pageerror', (e) => fault(`page error: ${e}`))
  page.on('request', (q) => q.url().startsWith(base) || fault(`loads ${q.url()}`))
  for (const path of list) {
    for (const width of widths) {
      where = `${path} ${scheme} ${width}`
      await page.setViewportSize({ width, height: width === 320 ? 700 : 900 })
      if (width === widths[0]) {
        await page.goto(base + path)
        if (!(await summaryFocused(page))) fault('the summary of errors has no focus')
      }
      visits++
      for (const text of await page.evaluate(inspect, true)) fault(text)
      if (width !== 768) for (const text of await audit(page)) fault(text)
      if (shots) {
        const file = `${path.slice(1).replaceAll('/', '-')}-${scheme}-${width}.png`
        await page.screenshot({ path: join(shots, file), fullPage: true })
      }
    }
    if (scheme === 'light' && path.startsWith('/en/')) for (const text of await ring(page)) fault(text)
  }
  await context.close()
}

const browser = await chromium.launch({ executablePath, args })
const list = await (await fetch(base + '/index.json')).json()
await Promise.all(['light', 'dark'].map((scheme) => walk(browser, list, scheme)))
await browser.close()
console.log(JSON.stringify({ pages: list.length, visits, audits, faults }))
