// A person at a browser, who fills in forms and presses buttons with a mouse or on the keyboard.
import { join } from 'node:path'
import { audit, errorsTold, foreignWords, layout, reach } from './inspect.mjs'
import { base } from './world.mjs'

// Each way of coming to the pages sees some of the combinations, all of them together see all.
const looks = [['light', 320], ['dark', 1280], ['light', 1280], ['dark', 320]]

export class Visitor {
  static async enter(world, options = {}) {
    const v = new Visitor()
    v.world = world
    v.origin = options.origin ?? base
    v.hands = world.order.visitor.hands
    v.language = world.order.visitor.language
    v.context = await world.context(options.context)
    v.page = await v.context.newPage()
    v.reached = new Set() // kinds of pages that Tab was once led around
    v.page.on('console', (m) => v.heard(m))
    v.page.on('pageerror', (e) => world.fault(`page error: ${e}`))
    v.page.on('request', (q) => v.trusted(q.url()) || world.fault(`asks for ${q.url()}`))
    return v
  }

  async leave() { await this.context.close() }

  // Whether the person's browser may ask for something there.
  trusted(url) { return url.startsWith(this.origin + '/') }

  // Chromium says of every page with a status of failure that it has one; that is no fault where it is expected.
  heard(message) {
    if (message.type() !== 'error') return
    if (/the server responded with a status of 4\d\d/.test(message.text()) && message.location().url === this.page.url()) return
    this.world.fault(`console at ${this.page.url()}: ${message.text()}`)
  }

  text(key, pairs = {}) {
    return this.world.order.texts[this.language][key].replace(/\{(\w+)\}/g, (_, name) => ({ app: 'Shop', ...pairs })[name])
  }

  async open(path, status = 200) {
    const answer = await this.page.goto(new URL(path, this.origin).href)
    this.answered(answer, status)
  }

  answered(answer, status) {
    this.answer = answer
    this.world.want(`status of ${answer.url()}`, answer.status(), status)
  }

  async press(control, status = 200) {
    const [answer] = await Promise.all([this.page.waitForNavigation(), this.use(control)])
    this.answered(answer, status)
  }

  async use(control) {
    if (this.hands === 'mouse') return control.click()
    await this.tabTo(control)
    await this.page.keyboard.press('Enter')
  }

  async follow(href, status = 200) { await this.press(this.page.locator(`a[href="${href}"]`).first(), status) }

  // The form that posts to an endpoint. {id} in the endpoint is anything; near is a text in the same row of a list.
  form(endpoint, near) {
    const [before, after = ''] = `/auth${endpoint}`.split('{id}')
    const selector = endpoint.includes('{id}') ? `form[action^="${before}"][action$="${after}"]` : `form[action="${before}"]`
    return near ? this.page.locator('li', { hasText: near }).locator(selector) : this.page.locator(selector)
  }

  // Fills in a form and sends it.
  async send(endpoint, values = {}, { status = 200, near } = {}) {
    const form = this.form(endpoint, near).first()
    for (const [name, value] of Object.entries(values)) await this.fill(form.locator(`[name="${name}"]:not([type=hidden])`), value)
    await this.press(form.locator('button'), status)
  }

  async fill(input, value) {
    if (this.hands === 'mouse') {
      if (typeof value === 'boolean') return input.setChecked(value)
      return input.fill(value)
    }
    await this.tabTo(input)
    if (typeof value === 'boolean') {
      if (await input.isChecked() !== value) await this.page.keyboard.press('Space')
      return
    }
    await this.page.keyboard.press('Control+A')
    if (value === '') await this.page.keyboard.press('Delete')
    else await this.page.keyboard.type(value)
  }

  async tabTo(control) {
    for (let i = 0; i < 80; i++) {
      if (await control.evaluate((e) => e === document.activeElement)) return
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`Tab does not reach ${control}`)
  }

  async value(endpoint, name) { return this.form(endpoint).locator(`[name="${name}"]`).first().inputValue() }

  async says(text) {
    const words = await this.page.locator('body').innerText()
    if (!words.includes(text)) this.world.fault(`${this.page.url()} does not say "${text}": ${words.slice(0, 400)}`)
  }

  async saysNot(text) {
    if ((await this.page.content()).includes(text)) this.world.fault(`${this.page.url()} says "${text}"`)
  }

  async at(path) { this.world.want('where', this.page.url(), this.origin + path) }

  // Looks closely at the page, which is to have the heading of a text, a notice if one is named, and errors at inputs.
  async state(name, heading, { notice, errors = [] } = {}) {
    const { world, page } = this
    const fault = (text) => world.fault(`${name}: ${text}`)
    world.report.states.push(name)
    world.want(`${name}: language`, await page.locator('html').getAttribute('lang'), this.language)
    world.want(`${name}: heading`, await page.locator('h1').innerText(), this.text(heading))
    const title = errors.length > 0 ? 'title_error' : 'title'
    world.want(`${name}: title`, await page.title(), this.text(title, { title: this.text(heading) }))
    world.want(`${name}: notice`, await page.locator('.notice').allInnerTexts(), notice ? [this.text(`notice.${notice}`)] : [])
    if (errors.length > 0) for (const text of await this.told(errors)) fault(text)
    else world.want(`${name}: summary`, await page.locator('.summary').count(), 0)
    for (const secret of await page.locator('input[type=password]').all()) {
      world.want(`${name}: password`, await secret.inputValue(), '')
    }
    for (const text of await page.evaluate(foreignWords, this.othersWords())) fault(text)
    await this.look(name, fault)
    const kind = `${await page.locator('body').getAttribute('class')} ${errors.length > 0}`
    if (this.hands === 'keyboard' && !this.reached.has(kind)) for (const text of await reach(page)) fault(text)
    this.reached.add(kind)
  }

  // The browser moves the focus with the first frame that it draws.
  async told(errors) {
    let found
    for (let i = 0; i < 100; i++) {
      found = await this.page.evaluate(errorsTold, errors)
      if (!found.some((f) => f.includes('focus'))) break
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return found
  }

  // What the catalogue says in the other language, and not in this one.
  othersWords() {
    const { texts } = this.world.order
    const own = new Set(Object.values(texts[this.language]))
    const other = texts[this.language === 'de' ? 'en' : 'de']
    return Object.values(other).filter((text) => !own.has(text))
  }

  async look(name, fault) {
    const { page, world } = this
    const { screenshots, visitor } = world.order
    for (const [scheme, width] of looks.filter((_, i) => visitor.looks.includes(i))) {
      await page.setViewportSize({ width, height: width < 500 ? 700 : 900 })
      await page.emulateMedia({ colorScheme: scheme })
      const how = `${scheme} ${width}`
      for (const text of await page.evaluate(layout)) fault(`${how}: ${text}`)
      for (const text of await this.audited(scheme)) fault(`${how}: ${text}`)
      world.report.audits++
      if (screenshots) {
        const file = [name, visitor.language, scheme, width].join('-') + '.png'
        await page.screenshot({ path: join(screenshots, file), fullPage: true })
      }
    }
  }

  // axe-core is a script. Where the person has none, it looks at the same document in a browser that has.
  async audited(scheme) {
    if (this.world.order.visitor.javaScript) return audit(this.page)
    this.twin ??= await (await this.world.context({ javaScriptEnabled: true })).newPage()
    const body = await this.page.content()
    await this.twin.route((url) => url.href === this.page.url(), (r) => r.fulfill({ contentType: 'text/html; charset=utf-8', body }))
    await this.twin.setViewportSize(this.page.viewportSize())
    await this.twin.emulateMedia({ colorScheme: scheme })
    await this.twin.goto(this.page.url())
    const found = await audit(this.twin)
    await this.twin.unrouteAll()
    return found
  }
}
