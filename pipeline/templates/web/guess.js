/* Tries one number after the other, some at a time, until the key that PBKDF2 makes of it begins as the challenge says (ALTCHA 2). */
"use strict";

const AT_ONCE = 32;

const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function derive(parameters, counter) {
  const nonce = bytes(parameters.nonce);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytes(parameters.salt), iterations: parameters.cost };
  return hex(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8));
}

async function solve(parameters) {
  for (let first = 0; first < parameters.data.guesses; first += AT_ONCE) {
    const counters = Array.from({ length: AT_ONCE }, (_, index) => first + index);
    const keys = await Promise.all(counters.map((counter) => derive(parameters, counter)));
    const found = keys.findIndex((key) => key.startsWith(parameters.keyPrefix));
    if (found >= 0) return { counter: first + found, derivedKey: keys[found] };
    postMessage({ tried: first + AT_ONCE });
  }
  return null;
}

onmessage = async ({ data }) => {
  try {
    const solution = await solve(data);
    postMessage(solution ? { solution } : { failed: true });
  } catch {
    postMessage({ failed: true });
  }
};
