"use strict";

const api = document.documentElement.dataset.api;
const [state, login, logout] = ["state", "login", "logout"].map((id) => document.getElementById(id));
const client = { client_id: "notes", redirect_uri: location.origin + "/" };
let tokens; // in memory alone: a reload signs in again, which the provider does without asking

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

// begin goes to the provider. What the way back must prove stays in this tab (RFC 7636).
async function begin() {
  const [verifier, sent] = [random(), random()];
  sessionStorage.setItem("flow", JSON.stringify({ verifier, sent }));
  const query = new URLSearchParams({ mode: "api", response_type: "code", ...client, scope: "read", state: sent,
    code_challenge: await sha256(verifier), code_challenge_method: "S256" });
  location.assign(`${api}/auth/oauth/example?${query}`);
}

// finish takes what the way back has brought, if anything, and takes it out of the address.
async function finish() {
  const back = new URLSearchParams(location.search);
  const flow = JSON.parse(sessionStorage.getItem("flow") ?? "null");
  sessionStorage.removeItem("flow");
  if (!back.has("state")) return;
  history.replaceState(null, "", "/");
  if (!flow || back.get("state") !== flow.sent || back.get("iss") !== api) throw new Error("This sign-in was not begun here");
  if (back.has("error")) throw new Error(back.get("error_description"));
  await token({ grant_type: "authorization_code", code: back.get("code"), redirect_uri: client.redirect_uri, code_verifier: flow.verifier });
}

// token asks the token endpoint; each refresh gives a new refresh token.
async function token(grant) {
  const answer = await fetch(`${api}/auth/token`, { method: "POST", body: new URLSearchParams({ ...grant, client_id: client.client_id }) });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error_description);
  tokens = result;
}

// call asks the API, and refreshes once when the access token is over.
async function call(path, again = true) {
  const answer = await fetch(api + path, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  if (answer.status === 401 && again) {
    await token({ grant_type: "refresh_token", refresh_token: tokens.refresh_token });
    return call(path, false);
  }
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.detail);
  return result;
}

async function show() {
  try {
    await finish();
    state.textContent = tokens ? (await call("/api/notes")).notes.join(", ") : "Nobody is signed in";
  } catch (error) {
    state.textContent = error.message;
  }
  login.hidden = Boolean(tokens);
  logout.hidden = !tokens;
}

login.addEventListener("click", begin);

logout.addEventListener("click", async () => {
  await fetch(`${api}/auth/revoke`, { method: "POST", body: new URLSearchParams({ token: tokens.refresh_token, client_id: client.client_id }) });
  tokens = undefined;
  await show();
});

if (location.hash === "#sign-in") begin();
else show();
