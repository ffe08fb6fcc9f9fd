// @ts-check
/**
 * The key of this phone, in WebAuthn's standard JSON forms.
 *
 * Written out instead of `parseRequestOptionsFromJSON` and `toJSON`: old phones lack them.
 */

/** @returns {boolean} whether this browser can keep a key at all */
export const keepsKeys = () => "PublicKeyCredential" in window && "credentials" in navigator;

/**
 * @param {ArrayBuffer} bytes
 * @returns {string}
 */
function toBase64url(bytes) {
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

/**
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function fromBase64url(text) {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
}

/**
 * @param {PublicKeyCredentialDescriptorJSON[]} [descriptors]
 * @returns {PublicKeyCredentialDescriptor[]}
 */
function fromDescriptors(descriptors = []) {
  return descriptors.map(({ id, transports }) => ({
    type: "public-key",
    id: fromBase64url(id),
    ...(transports && { transports: /** @type {AuthenticatorTransport[]} */ (transports) }),
  }));
}

/**
 * Makes the key of this phone.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @returns {Promise<{credential: object} | {failed: "stopped" | "exists"}>} RegistrationResponseJSON
 */
export async function createKey(options) {
  try {
    const credential = /** @type {PublicKeyCredential} */ (
      await navigator.credentials.create({
        publicKey: /** @type {PublicKeyCredentialCreationOptions} */ ({
          ...options,
          challenge: fromBase64url(options.challenge),
          user: { ...options.user, id: fromBase64url(options.user.id) },
          excludeCredentials: fromDescriptors(options.excludeCredentials),
        }),
      })
    );
    const response = /** @type {AuthenticatorAttestationResponse} */ (credential.response);
    return {
      credential: {
        ...told(credential),
        response: {
          clientDataJSON: toBase64url(response.clientDataJSON),
          attestationObject: toBase64url(response.attestationObject),
          transports: response.getTransports ? response.getTransports() : [],
        },
      },
    };
  } catch (error) {
    return { failed: error instanceof DOMException && error.name === "InvalidStateError" ? "exists" : "stopped" };
  }
}

/**
 * Signs an ask, with fingerprint, face or PIN.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @returns {Promise<object | null>} AuthenticationResponseJSON; null when she stopped
 */
export async function useKey(options) {
  try {
    const credential = /** @type {PublicKeyCredential} */ (
      await navigator.credentials.get({
        publicKey: /** @type {PublicKeyCredentialRequestOptions} */ ({
          ...options,
          challenge: fromBase64url(options.challenge),
          allowCredentials: fromDescriptors(options.allowCredentials),
        }),
      })
    );
    const response = /** @type {AuthenticatorAssertionResponse} */ (credential.response);
    return {
      ...told(credential),
      response: {
        clientDataJSON: toBase64url(response.clientDataJSON),
        authenticatorData: toBase64url(response.authenticatorData),
        signature: toBase64url(response.signature),
        ...(response.userHandle && { userHandle: toBase64url(response.userHandle) }),
      },
    };
  } catch {
    return null;
  }
}

/** @param {PublicKeyCredential} credential */
function told(credential) {
  return {
    id: credential.id,
    rawId: toBase64url(credential.rawId),
    type: credential.type,
    ...(credential.authenticatorAttachment && { authenticatorAttachment: credential.authenticatorAttachment }),
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}
