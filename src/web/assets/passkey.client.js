/* Passkeys need a script: this one sends what the browser's own dialog gives, and is used nowhere else. */
const canPasskey =
  typeof window.PublicKeyCredential === "function" &&
  typeof window.PublicKeyCredential.parseRequestOptionsFromJSON === "function";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!canPasskey) break;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const path = form.dataset.passkey;
    const says = form.querySelector("[role=status]");
    says.textContent = "";
    try {
      const options = await post(`${path}/options`, {});
      const credential = form.dataset.new
        ? await navigator.credentials.create({
            publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options),
          })
        : await navigator.credentials.get({
            publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options),
          });
      const fields = Object.fromEntries(new FormData(form));
      const { to } = await post(path, { ...fields, response: credential.toJSON() });
      location.assign(to);
    } catch (fault) {
      says.textContent =
        fault instanceof Refusal ? fault.message : "The passkey was not used. Try again.";
    }
  });
}

class Refusal extends Error {}

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const json = await answer.json();
  if (!answer.ok) throw new Refusal(json.message ?? "This did not work. Try again.");
  return json;
}
