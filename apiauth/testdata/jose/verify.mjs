// Verifies access tokens with the issuer's published keys alone. Reads {jwks, issuer, audience, good, bad} from stdin,
// prints the subjects, and fails when a good token is refused or a bad one accepted.
import { createRemoteJWKSet, jwtVerify } from 'jose'

const chunks = []
for await (const chunk of process.stdin) chunks.push(chunk)
const { jwks, issuer, audience, good, bad } = JSON.parse(Buffer.concat(chunks).toString())
const keys = createRemoteJWKSet(new URL(jwks))
const options = { issuer, audience, typ: 'at+jwt', requiredClaims: ['sub', 'client_id', 'iat', 'jti', 'exp'] }

for (const token of good) {
  const { payload } = await jwtVerify(token, keys, options)
  console.log(payload.sub)
}
for (const token of bad) {
  const refused = await jwtVerify(token, keys, options).then(() => false, () => true)
  if (!refused) throw new Error('a forged token was accepted')
}
