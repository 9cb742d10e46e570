// What a person would stumble over on a page, whatever it says.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export async function audit(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return result.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 120)} (${n.failureSummary})`))
}

// Runs in the page: nothing scrolls sideways or sticks out.
export function layout() {
  const found = []
  const root = document.documentElement
  if (root.scrollWidth > root.clientWidth) found.push(`scrolls sideways: ${root.scrollWidth} > ${root.clientWidth}`)
  for (const e of document.querySelectorAll('button, .button, input, select, p, h1, h2, code')) {
    const box = e.getBoundingClientRect()
    const hidden = box.width <= 1 || getComputedStyle(e).position === 'absolute'
    if (!hidden && (box.right > root.clientWidth + 0.5 || box.left < -0.5)) found.push(`${e.outerHTML.slice(0, 90)} sticks out`)
  }
  return found
}

// Runs in the page: texts that are there in another language's words. known are the texts of that language alone.
export function foreignWords(known) {
  const foreign = new Set(known)
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = []
  while (walker.nextNode()) {
    const text = walker.currentNode.data.trim()
    if (foreign.has(text)) found.push(`not translated: ${text}`)
  }
  return found
}

// Runs in the page: what is wrong with how errors are told. params are the inputs at fault, "" being the form.
export function errorsTold(params) {
  const found = []
  const lines = [...document.querySelectorAll('.summary li')]
  if (lines.length !== params.length) found.push(`the summary has ${lines.length} lines, not ${params.length}`)
  if (document.activeElement !== document.querySelector('.summary')) found.push('the summary has not the focus')
  for (const param of params.filter((p) => p !== '')) {
    const marked = [...document.querySelectorAll('[aria-invalid=true], fieldset.bad input')]
    const input = marked.find((e) => e.name === param || param === 'scopes' && e.name.startsWith('scope.'))
    if (!input) {
      found.push(`${param} is not marked`)
      continue
    }
    const holder = input.closest('fieldset') ?? input
    const notes = (holder.getAttribute('aria-describedby') ?? '').split(' ').map((id) => document.getElementById(id))
    if (!notes.some((n) => n?.classList.contains('error') && n.textContent.trim() !== '')) found.push(`${param} has no error beside it`)
    if (!lines.some((l) => l.querySelector('a')?.hash === `#${input.id}`)) found.push(`no line of the summary leads to ${param}`)
  }
  return found
}

// Goes once around with Tab: everything that can be used is reached, and shows that it has the focus.
export async function reach(page) {
  const wanted = 'a[href], button, input:not([type=hidden]):not([hidden]), select'
  const reachable = await page.locator(wanted).count()
  await page.evaluate(() => document.activeElement?.blur())
  const missing = []
  const reached = new Set()
  for (let i = 0; i <= reachable; i++) { // once more, for the way round leads over the document itself
    await page.keyboard.press('Tab')
    const [name, outline] = await page.evaluate(() => {
      const e = document.activeElement
      if (e === document.body) return ['', '']
      return [`${[...document.querySelectorAll('*')].indexOf(e)} ${e.outerHTML.slice(0, 90)}`, getComputedStyle(e).outlineStyle]
    })
    if (name === '') continue
    reached.add(name)
    if (outline === 'none') missing.push(`no focus ring: ${name}`)
  }
  if (reached.size < reachable) missing.push(`Tab reaches ${reached.size} of ${reachable} controls`)
  return missing
}
