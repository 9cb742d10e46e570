"use strict";

const api = document.documentElement.dataset.api;
const [state, form, logout] = ["state", "form", "logout"].map((id) => document.getElementById(id));

// call sends a request to the API with the session cookie. An error has the API's own words.
async function call(method, path, body) {
  const answer = await fetch(api + path, {
    method,
    credentials: "include",
    headers: body ? { "Content-Type": "application/json" } : {},
    body: body && JSON.stringify(body),
  });
  const result = answer.status === 204 ? {} : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(result.detail || result.title), { status: answer.status });
  return result;
}

// show asks for the notes, or for a sign-in where nobody is signed in.
async function show() {
  let signedIn = true;
  try {
    const { notes } = await call("GET", "/api/notes");
    state.textContent = notes.join(", ");
  } catch (error) {
    signedIn = false;
    state.textContent = error.status === 401 ? "Nobody is signed in" : error.message;
  }
  form.hidden = signedIn;
  logout.hidden = !signedIn;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const email = form.elements.email.value;
  const password = form.elements.password.value;
  try {
    if (event.submitter.value === "signup") await call("POST", "/auth/signup", { email, password });
    else await call("POST", "/auth/login", { identifier: email, password });
    form.reset();
    await show();
  } catch (error) {
    state.textContent = error.message;
  }
});

logout.addEventListener("click", async () => {
  await call("POST", "/auth/logout");
  await show();
});

show();
