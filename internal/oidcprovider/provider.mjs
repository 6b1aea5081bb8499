// The child process that is one OpenID provider, on loopback, for one test.
//
//   node provider.mjs
//
// The first line of standard input is what the provider is to know, in JSON (see
// provider.go). The process prints one line of JSON, {"issuer":…}, when it
// answers, and runs until its standard input closes, which it does when the
// parent asks for a stop and also when the parent dies. Until then each line is a
// command, and each is answered by one line when it is done:
//
//   rotate   a new signing key comes first, the ones before stay published
//   down     nobody listens any more, as if the machine were off
//   up       the same address listens again
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const input = createInterface({ input: process.stdin });
const options = JSON.parse(await new Promise((resolve) => input.once('line', resolve)));
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const escape = (text) =>
  String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const keys = [];
const addKey = () => {
  const kid = `key-${keys.length + 1}-${randomBytes(4).toString('hex')}`;
  const pair =
    options.alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  keys.unshift({ ...pair.privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: options.alg });
};

// Memory is where providers keep what they know. It outlives each of them, as a
// database would: people stay signed in when keys rotate.
const stored = new Map();
class Memory {
  constructor(model) {
    this.model = model;
  }
  key(id) {
    return `${this.model}:${id}`;
  }
  async upsert(id, payload, expiresIn) {
    stored.set(this.key(id), { payload, until: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
  }
  async find(id) {
    const found = stored.get(this.key(id));
    return found && Date.now() < found.until ? found.payload : undefined;
  }
  async findBy(name, value) {
    for (const [key, { payload, until }] of stored) {
      if (key.startsWith(`${this.model}:`) && payload[name] === value && Date.now() < until) return payload;
    }
    return undefined;
  }
  async findByUid(uid) {
    return this.findBy('uid', uid);
  }
  async findByUserCode(userCode) {
    return this.findBy('userCode', userCode);
  }
  async consume(id) {
    stored.get(this.key(id)).payload.consumed = Math.floor(Date.now() / 1000);
  }
  async destroy(id) {
    stored.delete(this.key(id));
  }
  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of stored) {
      if (payload.grantId === grantId) stored.delete(key);
    }
  }
}

// page is a whole HTML document; body is HTML already.
const page = (title, body) => `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
</head>
<body>
<main>
<h1>${escape(title)}</h1>
${body}
</main>
</body>
</html>
`;

const loginPage = (action, wrong) =>
  page(
    'Sign in',
    `${wrong ? '<p role="alert" id="problem">There is no such account. Check the user name.</p>\n' : ''}<form method="post" action="${escape(action)}">
<p><label for="username">User name</label>
<input id="username" name="username" autocomplete="username" required${wrong ? ' aria-invalid="true" aria-describedby="problem"' : ''}></p>
<p><button type="submit" name="answer" value="sign-in">Sign in</button>
<button type="submit" name="answer" value="cancel" formnovalidate>Cancel</button></p>
</form>`,
  );

const clients = () => {
  const common = {
    redirect_uris: options.redirectURIs,
    post_logout_redirect_uris: options.postLogoutURIs,
    ...(options.backChannelURI && {
      backchannel_logout_uri: options.backChannelURI,
      backchannel_logout_session_required: true,
    }),
    grant_types: ['authorization_code'],
    response_types: ['code'],
    id_token_signed_response_alg: options.alg,
  };
  const list = [
    {
      ...common,
      client_id: options.clientID,
      client_secret: options.secret,
      token_endpoint_auth_method: options.post ? 'client_secret_post' : 'client_secret_basic',
    },
  ];
  if (options.publicKeyJWK) {
    list.push({
      ...common,
      client_id: options.keyClientID,
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [options.publicKeyJWK] },
    });
  }
  return list;
};

let issuer;
let provider; // another one after each rotation; what they store is shared
let handle;
const cookieKey = randomBytes(32).toString('hex');

const build = () => {
  provider = new Provider(issuer, {
    adapter: Memory,
    clients: clients(),
    jwks: { keys },
    acrValues: options.acr,
    cookies: { keys: [cookieKey] },
    scopes: ['openid', 'profile', 'email'],
    claims: {
      openid: ['sub', 'groups', 'realm_access'],
      profile: ['name', 'given_name', 'family_name', 'locale'],
      email: ['email', 'email_verified'],
      acr: null,
      sid: null,
      iss: null,
      auth_time: null,
    },
    // The standard puts these claims into userinfo only, most providers into
    // the ID token too.
    conformIdTokenClaims: options.userinfoOnly,
    pkce: { required: () => true },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = page(
            'Sign out',
            `${form}
<p><button type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button></p>`,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page('Signed out', '<p>You are signed out.</p>');
        },
      },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) =>
      options.accounts[id] && { accountId: id, claims: () => ({ ...options.accounts[id], sub: id }) },
    // The clients are the organisation's own: nobody is asked for consent.
    loadExistingGrant: async (ctx) => {
      const known = ctx.oidc.session.grantIdFor(ctx.oidc.client.clientId);
      const grant =
        (known && (await ctx.oidc.provider.Grant.find(known))) ||
        new ctx.oidc.provider.Grant({
          clientId: ctx.oidc.client.clientId,
          accountId: ctx.oidc.session.accountId,
        });
      grant.addOIDCScope('openid profile email');
      await grant.save();
      return grant;
    },
    ttl: { Interaction: 600, Grant: 3600, Session: 3600, IdToken: 3600, AccessToken: 600, AuthorizationCode: 60 },
    // Tests receive logout tokens on loopback, which the library refuses to call.
    fetch: (url, { dispatcher: _, ...rest }) => globalThis.fetch(url, rest),
    renderError: (ctx, out) => {
      ctx.type = 'html';
      ctx.body = page('Something is wrong', `<p>${escape(out.error)}: ${escape(out.error_description ?? '')}</p>`);
    },
  });
  provider.on('server_error', (_, error) => process.stderr.write(`${error?.stack ?? error}\n`));
  provider.on('grant.error', (_, error) => process.stderr.write(`token endpoint: ${error.message}: ${error.error_detail ?? error.error_description}\n`));
  provider.on('backchannel.error', (_, error) => process.stderr.write(`back-channel logout: ${error.message}\n`));
  handle = provider.callback();
};

const read = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString());
};

const interact = async (request, response) => {
  const details = await provider.interactionDetails(request, response);
  if (details.prompt.name !== 'login') throw new Error(`no page for the prompt ${details.prompt.name}`);
  const show = (wrong) => {
    response.writeHead(wrong ? 422 : 200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(loginPage(request.url, wrong));
  };
  if (request.method !== 'POST') return show(false);
  const form = await read(request);
  if (form.get('answer') === 'cancel') {
    return provider.interactionFinished(request, response, {
      error: 'access_denied',
      error_description: 'the person cancelled',
    });
  }
  const username = (form.get('username') ?? '').trim();
  if (!Object.hasOwn(options.accounts, username)) return show(true);
  const asked = String(details.params.acr_values ?? '').split(' ');
  const acr = options.grantACR || asked.find((value) => options.acr.includes(value));
  return provider.interactionFinished(request, response, {
    login: { accountId: username, ...(acr && { acr }) },
  });
};

const server = createServer((request, response) => {
  if (!request.url.startsWith('/interaction/')) return handle(request, response);
  interact(request, response).catch((error) => {
    process.stderr.write(`${error?.stack ?? error}\n`);
    response.writeHead(400, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page('Something is wrong', `<p>${escape(error.message)}</p>`));
  });
});
const listen = (port) =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve(server.address().port);
    });
  });

const port = await listen(0);
issuer = `http://127.0.0.1:${port}`;
addKey();
build();

const commands = {
  rotate: () => {
    addKey();
    build();
  },
  down: () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  up: () => listen(port),
};
input.on('line', async (line) => {
  try {
    await commands[line]();
    say({ done: line });
  } catch (error) {
    say({ error: String(error) });
  }
});
input.on('close', () => process.exit(0));
// Ctrl-C reaches the whole process group; the parent decides, not the terminal.
process.on('SIGINT', () => {});

say({ issuer });
