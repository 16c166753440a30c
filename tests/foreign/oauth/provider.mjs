// An OpenID provider nobody here wrote, as a provincial portal would run one: node provider.mjs PORT REDIRECT_URI SECRET.
// Its development pages ask for a login; the login name is the subject.
import { Provider } from "oidc-provider";

const [port, redirect, secret] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: "xinqiao", client_secret: secret, redirect_uris: [redirect], grant_types: ["authorization_code"] }],
  pkce: { required: () => true },
  claims: { openid: ["sub", "amr"] },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...(id.endsWith("-mfa") && { amr: ["pwd", "otp"] }) }) }),
  conformIdTokenClaims: false,
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
