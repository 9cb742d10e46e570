// What a scenario has: people's profiles in the browser, the control of the server, and the report.
import { request } from 'node:https'

export const base = 'https://id.shop.example'
export const cookieName = '__Host-oneauth'

export class World {
  contexts = []

  constructor(order, browser) {
    this.order = order
    this.browser = browser
    this.report = { id: order.id, checks: [], states: [], audits: 0 }
  }

  async close() { await Promise.all(this.contexts.map((c) => c.close())) }

  // Runs one named check. What goes wrong in it is its fault, and the rest of the scenario goes on.
  async check(name, work) {
    const found = { name, faults: [], milliseconds: 0 }
    const begin = Date.now()
    this.report.checks.push(found)
    this.current = found
    try {
      await Promise.race([work(), late(150_000)])
    } catch (e) {
      found.faults.push(String(e.stack ?? e).slice(0, 1500))
    }
    found.milliseconds = Date.now() - begin
  }

  fault(text) { this.current.faults.push(text) }

  want(what, got, expected) {
    const [a, b] = [JSON.stringify(got), JSON.stringify(expected)]
    if (a !== b) this.fault(`${what}: ${a}, not ${b}`)
  }

  // A browser profile of its own, for which every host is the scenario's server.
  async context(options = {}) {
    const { proxy, visitor } = this.order
    const context = await this.browser.newContext({
      locale: visitor.language, javaScriptEnabled: visitor.javaScript, proxy: { server: proxy }, ...options,
    })
    context.setDefaultTimeout(60_000)
    this.contexts.push(context)
    return context
  }

  async advance(by) { await this.control('POST', `/advance?by=${by}`) }

  // What the server was asked since the last time.
  async seen() { return (await this.control('GET', '/seen')).json() }

  // The newest link for a purpose ("verify", "password/reset") in a mail to an address.
  async link(to, purpose, app = '') {
    const mails = await (await this.control('GET', `${app}/mail`)).json()
    for (const mail of mails.filter((m) => m.to === to)) {
      const found = mail.text.match(new RegExp(`https://\\S+/auth/${purpose}\\?token=[\\w-]+`))
      if (found) return found[0]
    }
    throw new Error(`no mail to ${to} with a link for ${purpose}`)
  }

  async control(method, path) {
    const answer = await fetch(this.order.control + path, { method })
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
    return answer
  }

  // A request by a program, without the browser. It resolves to status, headers and text.
  async program(url, { method = 'GET', headers = {}, body = '' } = {}) {
    const { hostname, pathname, search } = new URL(url)
    return new Promise((resolve, reject) => {
      const r = request({
        host: '127.0.0.1', port: this.order.port, servername: hostname, ca: this.order.certificate, method,
        path: pathname + search, headers: { host: hostname, ...headers },
      }, (answer) => {
        let text = ''
        answer.on('data', (part) => { text += part })
        answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
      })
      r.on('error', reject)
      r.end(body)
    })
  }
}

const late = (ms) => new Promise((_, reject) => setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms).unref())

// The session cookie that a context has for an origin, if any.
export async function sessionCookie(context, origin = base) {
  return (await context.cookies(origin)).find((c) => c.name === cookieName)
}
