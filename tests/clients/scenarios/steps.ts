// What the scenarios of the three TypeScript clients have in common: people, names, and steps that report themselves.

import assert from "node:assert/strict";

export const BASE = process.env.INSULA ?? "";
export const PASSWORD = "insula-demo";
export const OWNER = "owner@acme.example";
export const STAFF = "staff@insula.example";

/** A name that no other run uses. */
export function unique(name: string): string {
  return `${name} ${crypto.randomUUID()}`;
}

/** Run a step of the scenario, and print that it passed. */
export async function step(name: string, run: () => Promise<void>): Promise<void> {
  await run();
  console.log(`ok ${name}`);
}

/** Return the value, which must be there. */
export function there<T>(value: T | undefined | null, because: unknown = "nothing is there"): T {
  assert.ok(value !== undefined && value !== null, JSON.stringify(because));
  return value;
}

/** The codes of a problem, if the document lists them. */
type CodeOf<P extends { code: string }> = string extends P["code"] ? "the document does not list the codes" : P["code"];

/** Check the problem's code. Compiles only with a code that the document lists for the operation. */
export function hasCode<P extends { code: string }>(problem: P | undefined, code: CodeOf<P>): void {
  assert.equal(there(problem).code, code);
}
