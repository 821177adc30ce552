// The scenario through the client that hey-api made.

import assert from "node:assert/strict";
import * as insula from "./all";
import { createClient } from "./all/client";
import { BASE, OWNER, PASSWORD, STAFF, hasCode, step, there, unique } from "./steps";

const visitor = createClient({ baseUrl: BASE });
const name = unique("hey-api");
const key = crypto.randomUUID();

async function signIn(email: string, app: string, tenant?: string) {
  const body = { email, password: PASSWORD, resource: BASE + app, tenant };
  const { data, error } = await insula.login({ client: visitor, body });
  return createClient({ baseUrl: BASE, auth: there(data, error).access_token });
}

await step("a wrong password is refused", async () => {
  const body = { email: OWNER, password: "wrong", resource: `${BASE}/api`, tenant: "acme" };
  const { error, response } = await insula.login({ client: visitor, body });
  assert.equal(response?.status, 401);
  hasCode(error, "login_refused");
});

const client = await signIn(OWNER, "/api", "acme");

await step("the owner who signed in reads the tenant", async () => {
  const { data, error } = await insula.getTenant({ client });
  assert.equal(there(data, error).slug, "acme");
});

const create = (title: string, key?: string) =>
  insula.createProject({ client, body: { name: title }, headers: { "Idempotency-Key": key } });

const made = await create(`${name} 1`, key);
const project = there(made.data, made.error);

await step("a repeated request with the same idempotency key makes no second project", async () => {
  const { data, error, response } = await create(`${name} 1`, key);
  assert.equal(response?.status, 201);
  assert.equal(there(data, error).id, project.id);
});

await step("a name that is taken is a conflict", async () => {
  const { error, response } = await create(`${name} 1`);
  assert.equal(response?.status, 409);
  hasCode(error, "project_name_taken");
});

await step("an invalid field is named", async () => {
  const { error, response } = await create("");
  assert.equal(response?.status, 422);
  hasCode(error, "invalid_request");
  assert.deepEqual(there(error?.field_errors).map((each) => each.field), ["name"]);
});

await step("the pages of a list hold each project once", async () => {
  assert.equal((await create(`${name} 2`)).response?.status, 201);
  assert.equal((await create(`${name} 3`)).response?.status, 201);
  const found: insula.ProjectRead[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const query = { search: name, sort_by: "name" as const, limit: 2, cursor };
    const page: insula.ProjectPage = there((await insula.listProjects({ client, query })).data);
    found.push(...page.items);
    cursor = page.next_cursor ?? undefined;
    pages += 1;
  } while (cursor);
  assert.equal(pages, 2);
  assert.deepEqual(found.map((each) => each.name), [1, 2, 3].map((number) => `${name} ${number}`));
});

const path = { project_id: project.id };
const read = await insula.getProject({ client, path });
const tag = there(read.response?.headers.get("ETag"));
const change = (description: string) =>
  insula.updateProject({ client, path, headers: { "If-Match": tag }, body: { description, status: "archived" } });

await step("a change of the current version is made", async () => {
  const { data, error, response } = await change("Eleven miles");
  assert.equal(there(data, error).description, "Eleven miles");
  assert.equal(there(data).status, "archived");
  assert.notEqual(response?.headers.get("ETag"), tag);
});

await step("a change of an outdated version is refused", async () => {
  const { error, response } = await change("Twelve miles");
  assert.equal(response?.status, 412);
  hasCode(error, "precondition_failed");
});

await step("an API key reads, and may do no more than it was given", async () => {
  const issued = await insula.createApiKey({ client, body: { name, actions: ["project:read"] } });
  const machine = createClient({ baseUrl: BASE, auth: there(there(issued.data, issued.error).key) });
  const { data, error } = await insula.listProjects({ client: machine, query: { search: name } });
  assert.equal(there(data, error).items.length, 3);
  const refused = await insula.createProject({ client: machine, body: { name: `${name} 4` } });
  assert.equal(refused.response?.status, 403);
  hasCode(refused.error, "forbidden");
});

await step("staff find the tenant", async () => {
  const staff = await signIn(STAFF, "/admin");
  const { data, error } = await insula.listTenants({ client: staff, query: { search: "acme", status: "active" } });
  assert.deepEqual(there(data, error).items.map((each) => [each.slug, each.plan]), [["acme", "pro"]]);
});

await step("the owner reads what the tenant pays for", async () => {
  const payer = await signIn(OWNER, "/billing", "acme");
  const { data, error } = await insula.readSubscription({ client: payer });
  const { plan } = there(data, error);
  assert.deepEqual([plan.key, plan.interval, plan.price.currency], ["pro", "month", "eur"]);
});
