// An OpenID Connect provider for tests: provider.mjs MODULES PORT CALLBACK [groups-in-userinfo] [an-hour-ago]
// Anybody signs in with any password; groups go by the name.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [modules, port, callback, ...ways] = process.argv.slice(2);
if (ways.includes('an-hour-ago')) {
  const now = Date.now.bind(Date);
  // The module of tokens takes the time from here as well.
  Date.now = () => now() - 2 * 3600 * 1000;
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      if (args.length === 0) super(Real.now());
      else super(...args);
    }
  };
}
const found = createRequire(`${modules}/x.js`).resolve('oidc-provider');
const { Provider } = await import(pathToFileURL(found));

const groups = { ada: ['dev', 'audit-owners'], bob: ['team-blue'] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'countersign',
    client_secret: 'a secret of the client / with + signs',
    redirect_uris: [callback],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  }],
  conformIdTokenClaims: ways.includes('groups-in-userinfo'),
  claims: { openid: ['sub'], profile: ['name', 'groups'], email: ['email'] },
  cookies: { keys: ['of a test'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, name: `${id} of the test`, groups: groups[id] ?? ['nobody'] }),
  }),
  pkce: { required: () => true },
  ttl: { IdToken: 3600, AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, Interaction: 3600, Session: 3600 },
});
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
