// The demo users, and the client whose secrets the check has made.

export const PASSWORD = "insula-demo";
export const OWNER = "owner@acme.example";
export const BASE = process.env.INSULA;
export const CLIENT = JSON.parse(process.env.CLIENT ?? "null");
export const CALLBACK = "https://client.example.com/callback";
export const RESOURCE = `${BASE}/api`;
export const SCOPE = "openid profile email member:read";

/** Run a step of the scenario, and print that it passed. */
export async function step(name, run) {
  const result = await run();
  console.log(`ok ${name}`);
  return result;
}
