// A client of API mode that is not ours. It reads from standard input what it was told, takes the answer that the browser was
// sent back with, and uses the tokens: exchange, refresh, revoke.
import { text } from 'node:stream/consumers'
import * as oauth from 'oauth4webapi'

const { issuer, clientID, redirectURI, answer, state, verifier } = JSON.parse(await text(process.stdin))
const local = { [oauth.allowInsecureRequests]: true }
const url = new URL(issuer)
const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: 'oauth2', ...local }))
const client = { client_id: clientID }
const auth = oauth.None()

const params = oauth.validateAuthResponse(server, client, new URL(answer), state)
const exchange = () => oauth.authorizationCodeGrantRequest(server, client, auth, params, redirectURI, verifier, local)
const first = await oauth.processAuthorizationCodeResponse(server, client, await exchange())
const next = await oauth.processRefreshTokenResponse(server, client,
  await oauth.refreshTokenGrantRequest(server, client, auth, first.refresh_token, local))
const about = await oauth.processIntrospectionResponse(server, client,
  await oauth.introspectionRequest(server, client, auth, next.access_token, local))
await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, next.refresh_token, local))
let again = ''
try {
  await oauth.processRefreshTokenResponse(server, client,
    await oauth.refreshTokenGrantRequest(server, client, auth, next.refresh_token, local))
} catch (e) {
  again = e.error
}
console.log(JSON.stringify({ type: first.token_type, scope: first.scope, differs: first.access_token !== next.access_token, active: about.active, again }))
