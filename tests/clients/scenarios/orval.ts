// The scenario through the client that orval made.

import assert from "node:assert/strict";
import * as insula from "./all/client";
import { signedInWith } from "./orval_request";
import { BASE, OWNER, PASSWORD, STAFF, hasCode, step, there, unique } from "./steps";

const name = unique("orval");
const key = crypto.randomUUID();

async function signIn(email: string, app: string, tenant?: string): Promise<void> {
  const answer = await insula.login({ email, password: PASSWORD, resource: BASE + app, tenant });
  assert.ok(answer.status === 200, JSON.stringify(answer.data));
  signedInWith(answer.data.access_token);
}

await step("a wrong password is refused", async () => {
  const answer = await insula.login({ email: OWNER, password: "wrong", resource: `${BASE}/api`, tenant: "acme" });
  assert.ok(answer.status === 401);
  hasCode(answer.data, "login_refused");
});

await signIn(OWNER, "/api", "acme");

await step("the owner who signed in reads the tenant", async () => {
  const answer = await insula.getTenant();
  assert.ok(answer.status === 200);
  assert.equal(answer.data.slug, "acme");
});

const create = (title: string, key?: string) =>
  insula.createProject({ name: title }, key === undefined ? undefined : { "Idempotency-Key": key });

const made = await create(`${name} 1`, key);
assert.ok(made.status === 201, JSON.stringify(made.data));
const project = made.data;

await step("a repeated request with the same idempotency key makes no second project", async () => {
  const answer = await create(`${name} 1`, key);
  assert.ok(answer.status === 201);
  assert.equal(answer.data.id, project.id);
});

await step("a name that is taken is a conflict", async () => {
  const answer = await create(`${name} 1`);
  assert.ok(answer.status === 409);
  hasCode(answer.data, "project_name_taken");
});

await step("an invalid field is named", async () => {
  const answer = await create("");
  assert.ok(answer.status === 422);
  hasCode(answer.data, "invalid_request");
  assert.deepEqual(there(answer.data.field_errors).map((each) => each.field), ["name"]);
});

await step("the pages of a list hold each project once", async () => {
  assert.equal((await create(`${name} 2`)).status, 201);
  assert.equal((await create(`${name} 3`)).status, 201);
  const found: insula.ProjectRead[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const answer: insula.listProjectsResponse = await insula.listProjects({ search: name, sort_by: "name", limit: 2, cursor });
    assert.ok(answer.status === 200);
    found.push(...answer.data.items);
    cursor = answer.data.next_cursor ?? undefined;
    pages += 1;
  } while (cursor);
  assert.equal(pages, 2);
  assert.deepEqual(found.map((each) => each.name), [1, 2, 3].map((number) => `${name} ${number}`));
});

const read = await insula.getProject(project.id);
const tag = there(read.headers.get("ETag"));
const change = (description: string) =>
  insula.updateProject(project.id, { description, status: "archived" }, { "If-Match": tag });

await step("a change of the current version is made", async () => {
  const answer = await change("Eleven miles");
  assert.ok(answer.status === 200);
  assert.equal(answer.data.description, "Eleven miles");
  assert.equal(answer.data.status, "archived");
  assert.notEqual(answer.headers.get("ETag"), tag);
});

await step("a change of an outdated version is refused", async () => {
  const answer = await change("Twelve miles");
  assert.ok(answer.status === 412);
  hasCode(answer.data, "precondition_failed");
});

await step("an API key reads, and may do no more than it was given", async () => {
  const issued = await insula.createApiKey({ name, actions: ["project:read"] });
  assert.ok(issued.status === 201, JSON.stringify(issued.data));
  signedInWith(there(issued.data.key));
  const answer = await insula.listProjects({ search: name });
  assert.ok(answer.status === 200);
  assert.equal(answer.data.items.length, 3);
  const refused = await create(`${name} 4`);
  assert.ok(refused.status === 403);
  hasCode(refused.data, "forbidden");
});

await step("staff find the tenant", async () => {
  await signIn(STAFF, "/admin");
  const answer = await insula.listTenants({ search: "acme", status: "active" });
  assert.ok(answer.status === 200);
  assert.deepEqual(answer.data.items.map((each) => [each.slug, each.plan]), [["acme", "pro"]]);
});

await step("the owner reads what the tenant pays for", async () => {
  await signIn(OWNER, "/billing", "acme");
  const answer = await insula.readSubscription();
  assert.ok(answer.status === 200);
  const { plan } = answer.data;
  assert.deepEqual([plan.key, plan.interval, plan.price.currency], ["pro", "month", "eur"]);
});
