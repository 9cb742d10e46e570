// An identity provider that is not ours. Usage: node provider.mjs <client's redirect URI> <host>, a name of this machine. It
// prints its issuer when it is ready. Whoever signs in with a name and any password is that name.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const [redirectURI, host] = process.argv.slice(2)
const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://${host}:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'our-app', client_secret: 'our-secret-our-secret', redirect_uris: [redirectURI],
      grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
    }],
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, email: `${sub}@id.example`, email_verified: true, name: `${sub} of the other side`, locale: 'en' }),
    }),
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'locale'] },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
    cookies: { keys: ['a key of the tests'] },
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
