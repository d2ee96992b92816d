// Makes a passkey, or signs in with one, and sends it with the form around it. Everything else works without scripts.
const form = document.querySelector("form[data-passkey]");
const { passkey, options } = form.dataset;
const parsed = JSON.parse(options);
let asking;

/** Shows one of the notices beside the form, and hides the others. */
function say(what) {
  for (const notice of document.querySelectorAll("[data-when]")) notice.hidden = notice.dataset.when !== what;
}

/** Asks the browser. A conditional request waits in the autofill of a field until the person chooses a passkey there. */
async function ask(mediation) {
  asking?.abort();
  const { signal } = (asking = new AbortController());
  const credential =
    passkey === "create"
      ? await navigator.credentials.create({ publicKey: creation(), signal })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(parsed), mediation, signal });
  form.elements.credential.value = JSON.stringify(credential);
  form.submit();
}

/** The person may have typed who they are. */
function creation() {
  const typed = (name, otherwise) => form.elements[name]?.value.trim() || otherwise;
  const user = { ...parsed.user, name: typed("username", parsed.user.name), displayName: typed("name", parsed.user.displayName) };
  return PublicKeyCredential.parseCreationOptionsFromJSON({ ...parsed, user });
}

function failed(error) {
  if (error.name !== "AbortError") say(error.name === "InvalidStateError" ? "exists" : "cancelled");
}

if (window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  form.addEventListener("submit", (event) => {
    if (event.submitter?.name) return;
    event.preventDefault();
    say();
    ask("optional").catch(failed);
  });
  // Not after a refusal, so that a browser that answers by itself does not go round in circles.
  if ("autofill" in form.dataset && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
    ask("conditional").catch(failed);
    // The server would refuse the challenge. The button asks for a new one then.
    setTimeout(() => asking.abort(), parsed.timeout);
  }
} else {
  say("unsupported");
}
