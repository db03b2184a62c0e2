// The AWS SDK for JavaScript v3 as a customer: takes ids of keys as JSON, prints as JSON what came of each call.
// Endpoint, region and credentials are those of `keystead env`.

import { DecryptCommand, EncryptCommand, KMSClient, SignCommand, VerifyCommand } from "@aws-sdk/client-kms";

const keys = JSON.parse(process.argv[2]);
const message = Buffer.from("attack at dawn");
const context = { purpose: "clients" };
const together = 32;
const kms = new KMSClient({});

async function refusal(command) {
  try {
    await kms.send(command);
  } catch (error) {
    return error.name;
  }
  return "";
}

const encrypted = await Promise.all(
  Array.from({ length: together }, () =>
    kms.send(new EncryptCommand({ KeyId: keys.sealing, Plaintext: message, EncryptionContext: context })),
  ),
);
const sealed = encrypted.at(-1).CiphertextBlob;
const opened = await kms.send(new DecryptCommand({ CiphertextBlob: sealed, EncryptionContext: context }));
const signing = { KeyId: keys.signing, Message: message, SigningAlgorithm: "ECDSA_SHA_256" };
const signed = await kms.send(new SignCommand(signing));
const verified = await kms.send(new VerifyCommand({ ...signing, Signature: signed.Signature }));

console.log(
  JSON.stringify({
    sealed: Buffer.from(sealed).toString("base64"),
    different: new Set(encrypted.map((one) => Buffer.from(one.CiphertextBlob).toString("base64"))).size,
    opened: Buffer.from(opened.Plaintext).toString(),
    signature: Buffer.from(signed.Signature).toString("base64"),
    verified: verified.SignatureValid,
    "another context": await refusal(
      new DecryptCommand({ CiphertextBlob: sealed, EncryptionContext: { purpose: "none" } }),
    ),
    denied: await refusal(new EncryptCommand({ KeyId: keys.denied, Plaintext: message })),
  }),
);
