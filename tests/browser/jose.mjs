// Verifies tokens as another program would: with the library jose and the published keys, nothing else. WXGATE_URL
// names the gateway. Each line of the input is {"token", "now", "audience"?}; each line of the output {"kid", "sub"} or
// {"error"}.
import { createInterface } from 'node:readline';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const url = process.env.WXGATE_URL;
if (!url) {
  process.stderr.write('WXGATE_URL is not set: the address of the gateway whose tokens are verified\n');
  process.exit(2);
}
// The default waits half a minute between two requests for keys; here clocks are turned, and minutes pass in a moment.
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', url), { cooldownDuration: 0 });

for await (const line of createInterface({ input: process.stdin })) {
  const { token, now, audience = 'wxgate' } = JSON.parse(line);
  let answer;
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ['EdDSA'],
      issuer: 'wxgate',
      audience,
      typ: 'at+jwt',
      requiredClaims: ['exp', 'nbf', 'iat', 'jti', 'sub', 'sid', 'scope'],
      currentDate: new Date(now * 1000),
    });
    answer = { kid: protectedHeader.kid, sub: payload.sub };
  } catch (error) {
    answer = { error: error.code ?? String(error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
