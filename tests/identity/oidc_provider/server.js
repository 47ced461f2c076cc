// The OAuth server of the tests: oidc-provider as it is, with clients, resources and keys of ours.
// It prints its issuer when it listens, and ends when its standard input does, so that no test can leave it behind.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { GREENROOM_SECRET, BACKEND_SECRET } = process.env;
const SCOPES = 'read:live write:live manage:live admin:live admin:* unheard:of';
const HOUR = 3600;

const JWT = { audience: 'urn:greenroom', accessTokenFormat: 'jwt', accessTokenTTL: HOUR };
const OPAQUE = { audience: 'urn:greenroom', accessTokenFormat: 'opaque', accessTokenTTL: HOUR };
const RESOURCES = {
  'urn:greenroom:rs256': { ...JWT, jwt: { sign: { alg: 'RS256' } } },
  'urn:greenroom:ps256': { ...JWT, jwt: { sign: { alg: 'PS256' } } },
  'urn:greenroom:es256': { ...JWT, jwt: { sign: { alg: 'ES256' } } },
  'urn:greenroom:eddsa': { ...JWT, jwt: { sign: { alg: 'EdDSA' } } },
  'urn:greenroom:brief': { ...JWT, accessTokenTTL: 2, jwt: { sign: { alg: 'ES256' } } },
  'urn:greenroom:early': { ...JWT, jwt: { sign: { alg: 'ES256' } } },
  'urn:elsewhere:jwt': { ...JWT, audience: 'urn:elsewhere', jwt: { sign: { alg: 'ES256' } } },
  'urn:greenroom:opaque': OPAQUE,
  'urn:greenroom:opaque:brief': { ...OPAQUE, accessTokenTTL: 2 },
  'urn:elsewhere:opaque': { ...OPAQUE, audience: 'urn:elsewhere' },
};

const newKeys = () => [
  generateKeyPairSync('rsa', { modulusLength: 2048 }),
  generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  generateKeyPairSync('ed25519'),
].map(({ privateKey }) => ({ ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig' }));

const configuration = (keys) => ({
  jwks: { keys },
  cookies: { keys: ['a key of the tests'] },
  enabledJWA: { idTokenSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
  scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
  clients: [
    {
      client_id: 'backend',
      client_secret: BACKEND_SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      scope: SCOPES,
    },
    {
      client_id: 'app',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://127.0.0.1/callback'],
      scope: `openid ${SCOPES}`,
    },
    {
      client_id: 'pages',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://127.0.0.1/signin/callback'],
      scope: 'openid',
    },
    {
      client_id: 'greenroom at the tests',
      client_secret: GREENROOM_SECRET,
      grant_types: [],
      redirect_uris: [],
      response_types: [],
    },
  ],
  extraTokenClaims: (ctx) => ({ brand: ctx.get('X-Test-Brand') || undefined }),
  formats: {
    customizers: {
      jwt: (ctx, token, jwt) => {
        if (token.resourceServer?.identifier() === 'urn:greenroom:early') {
          jwt.payload.nbf = jwt.payload.iat + HOUR / 2;
        }
      },
    },
  },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, resource) => ({ scope: SCOPES, ...RESOURCES[resource] }),
    },
  },
});

let keys = newKeys();
let answer;

const renew = (issuer) => {
  answer = new Provider(issuer, configuration(keys)).callback();
};

const server = createServer((request, response) => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  if (request.method === 'POST' && request.url === '/test/rotate') {
    keys = [...newKeys(), ...keys];
  } else if (request.method === 'POST' && request.url === '/test/forget-old-keys') {
    keys = keys.slice(0, 3);
  } else {
    answer(request, response);
    return;
  }
  renew(issuer);
  response.writeHead(204).end();
});

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  renew(issuer);
  console.log(`ISSUER ${issuer}`);
});
process.stdin.resume().on('end', () => process.exit(0));
