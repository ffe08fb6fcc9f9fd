// npm openid-client against a running Connect: code with PKCE, nonce and state, PAR, DPoP, refresh, userinfo,
// introspection, revocation, and CIBA by poll. It prints one JSON line a step and reads what a person does.
import { createInterface } from 'node:readline';
import * as oidc from 'openid-client';

const [issuer, id, secret] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (step, facts = {}) => console.log(JSON.stringify({ step, ...facts }));
const hear = async () => (await lines.next()).value;

const config = await oidc.discovery(new URL(issuer), id, { client_secret: secret }, oidc.ClientSecretBasic(secret), {
  execute: [oidc.allowInsecureRequests],
});

async function code({ par = false, DPoP } = {}) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const parameters = {
    redirect_uri: 'https://service.test/callback',
    scope: 'openid scope_all',
    acr_values: 'eidas1',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    prompt: 'login',
    state,
    nonce,
  };
  const url = par
    ? await oidc.buildAuthorizationUrlWithPAR(config, parameters, DPoP ? { DPoP } : undefined)
    : oidc.buildAuthorizationUrl(config, parameters);
  say('go', { url: url.href });
  const back = new URL(await hear());
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return oidc.authorizationCodeGrant(config, back, checks, undefined, DPoP ? { DPoP } : undefined);
}

const plain = await code();
const person = await oidc.fetchUserInfo(config, plain.access_token, plain.claims().sub);
const again = await oidc.refreshTokenGrant(config, plain.refresh_token);
const live = await oidc.tokenIntrospection(config, again.access_token);
await oidc.tokenRevocation(config, again.refresh_token);
const dead = await oidc.tokenIntrospection(config, again.access_token);
say('code', { acr: plain.claims().acr, name: person.given_name, live: live.active, dead: dead.active });

const pushed = await code({ par: true });
say('par', { type: pushed.token_type });

const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair());
const bound = await code({ par: true, DPoP });
const sub = bound.claims().sub;
const boundPerson = await oidc.fetchUserInfo(config, bound.access_token, sub, { DPoP });
let stolen = 'accepted';
try {
  await oidc.fetchUserInfo(config, bound.access_token, sub);
} catch (error) {
  stolen = 'refused';
}
say('dpop', { type: bound.token_type, same: boundPerson.sub === sub, stolen });

const waiting = await oidc.initiateBackchannelAuthentication(config, {
  scope: 'openid scope_all',
  login_hint: await hear(),
  binding_message: '42',
  acr_values: 'eidas1',
});
say('ciba', { screen_code: waiting.screen_code });
const granted = await oidc.pollBackchannelAuthenticationGrant(config, waiting);
say('granted', { acr: granted.claims().acr, sub: Boolean(granted.claims().sub) });
process.exit(0);
