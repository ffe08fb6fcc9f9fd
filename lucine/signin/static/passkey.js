// @ts-check
/**
 * Passkeys of this computer, in WebAuthn's standard JSON forms.
 *
 * Written out instead of `parseRequestOptionsFromJSON` and `toJSON`: Safari before 18.4 lacks them, and
 * password managers that stand in for the browser do not always offer `toJSON`.
 */
import { fromBase64url, toBase64url } from "./base64url.js";

/** Whether this browser knows passkeys at all. */
export const knowsPasskeys = "PublicKeyCredential" in window && "credentials" in navigator;

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
 * Signs in with a passkey.
 *
 * @param {PublicKeyCredentialRequestOptionsJSON} options
 * @returns {Promise<object | null>} AuthenticationResponseJSON; null when she stopped, or has none here
 */
export async function usePasskey(options) {
  const { challenge, allowCredentials, userVerification, rpId, timeout } = options;
  /** @type {PublicKeyCredentialRequestOptions} */
  const publicKey = { challenge: fromBase64url(challenge), allowCredentials: fromDescriptors(allowCredentials) };
  if (rpId !== undefined) publicKey.rpId = rpId;
  if (timeout !== undefined) publicKey.timeout = timeout;
  if (userVerification) publicKey.userVerification = /** @type {UserVerificationRequirement} */ (userVerification);
  try {
    const credential = /** @type {PublicKeyCredential} */ (await navigator.credentials.get({ publicKey }));
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

/**
 * Creates a passkey.
 *
 * @param {PublicKeyCredentialCreationOptionsJSON} options
 * @returns {Promise<object | null>} RegistrationResponseJSON; null when she stopped, or has one here already
 */
export async function createPasskey(options) {
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
    const key = response.getPublicKey();
    return {
      ...told(credential),
      response: {
        clientDataJSON: toBase64url(response.clientDataJSON),
        attestationObject: toBase64url(response.attestationObject),
        authenticatorData: toBase64url(response.getAuthenticatorData()),
        transports: response.getTransports(),
        publicKeyAlgorithm: response.getPublicKeyAlgorithm(),
        ...(key && { publicKey: toBase64url(key) }),
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
