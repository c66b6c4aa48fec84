// A real OpenID Connect provider on loopback, whose own pages ask for a name and believe it.
// usage: OIDC_CLIENT_SECRET=… node provider.mjs REDIRECT_ADDRESS; prints its issuer.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const [redirect] = process.argv.slice(2);
const GROUPS = { ana: ["staff", "chiefs"], bo: ["soc"] };
/** Seconds that a code is good for. */
const CODE_S = 5;

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "harbinger",
      client_secret: process.env.OIDC_CLIENT_SECRET,
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    }],
    pkce: { required: () => true },
    scopes: ["openid", "profile", "groups"],
    claims: { openid: ["sub"], profile: ["preferred_username"], groups: ["groups"] },
    conformIdTokenClaims: false,
    ttl: { AuthorizationCode: CODE_S, AccessToken: 60, IdToken: 60, Interaction: 600, Session: 600, Grant: 600 },
    cookies: { keys: ["for tests only"] },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, groups: GROUPS[id] ?? [] }),
    }),
  });
  server.on("request", provider.callback());
  console.log(`issuer ${issuer}`);
});
