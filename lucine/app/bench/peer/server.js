// oidc-provider with its in-memory adapter, doing the equivalent of Connect's flow: authorization, a login
// that a route of ours finishes (where Connect asks a phone), no consent page, code, token, userinfo.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://localhost:${port}`;

function jwk(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), alg, use: 'sig', kid: alg };
}

const client = (alg) => ({
  client_id: `peer-${alg}`,
  client_secret: 'peer-secret-peer-secret-peer-secret',
  redirect_uris: ['https://service.test/callback'],
  grant_types: ['authorization_code', 'refresh_token'],
  id_token_signed_response_alg: alg,
});

const provider = new Provider(issuer, {
  clients: [client('ES256'), client('RS256')],
  jwks: { keys: [jwk('ec', { namedCurve: 'P-256' }, 'ES256'), jwk('rsa', { modulusLength: 2048 }, 'RS256')] },
  cookies: { keys: ['peer'] },
  features: { devInteractions: { enabled: false } },
  issueRefreshToken: async () => true,
  pkce: { required: () => true },
  claims: { profile: ['name', 'given_name', 'family_name'] },
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: async (_ctx, id) => ({
    accountId: id,
    claims: async () => ({ sub: id, name: 'Ana MERIDIENTEST', given_name: 'Ana', family_name: 'MERIDIENTEST' }),
  }),
  loadExistingGrant: async (ctx) => {
    const grant = new ctx.oidc.provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope('openid profile offline_access');
    await grant.save();
    return grant;
  },
});

const callback = provider.callback();
let count = 0;
createServer((req, res) => {
  if (req.url.startsWith('/interaction/')) {
    count += 1;
    provider
      .interactionFinished(req, res, { login: { accountId: `person-${count % 1000}` } }, { mergeWithLastSubmission: false })
      .catch((error) => {
        res.statusCode = 500;
        res.end(String(error));
      });
    return;
  }
  callback(req, res);
}).listen(port, '127.0.0.1');
