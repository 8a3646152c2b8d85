// A form marked data-passkey asks the device for a passkey (get) or for a new one (create) and posts the answer. Its
// button is disabled until this has run: pressed before, it would post no answer.
"use strict";

const parse = {
  get: (options) => PublicKeyCredential.parseRequestOptionsFromJSON(options),
  create: (options) => PublicKeyCredential.parseCreationOptionsFromJSON(withPersonVerified(options)),
};

function withPersonVerified(options) {
  return {
    ...options,
    authenticatorSelection: {
      ...options.authenticatorSelection,
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    },
  };
}

async function readOptions(place) {
  if (place.startsWith("#")) {
    return JSON.parse(document.querySelector(place).textContent);
  }
  const answer = await fetch(place, { headers: { Accept: "application/json" } });
  return answer.json();
}

async function askDevice(form) {
  const act = form.dataset.passkey;
  const found = await readOptions(form.dataset.passkeyOptions);
  const options = (found.request_options || found.creation_options).publicKey;
  const credential = await navigator.credentials[act]({ publicKey: parse[act](options) });
  return JSON.stringify(credential.toJSON());
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const failed = form.querySelector("[role=alert]");
    failed.hidden = true;
    try {
      form.elements.credential.value = await askDevice(form);
      form.submit();
    } catch {
      failed.hidden = false;
    }
  });
  form.querySelector("[type=submit]").disabled = false;
}
