// The scenario through openapi-fetch, with the types that openapi-typescript made.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths as AdminPaths } from "./admin/schema";
import type { paths as BillingPaths } from "./billing/schema";
import type { paths as RootPaths } from "./root/schema";
import type { components, paths as TenantsPaths } from "./tenants/schema";
import { BASE, OWNER, PASSWORD, STAFF, hasCode, step, there, unique } from "./steps";

type Project = components["schemas"]["ProjectRead"];

const auth = createClient<RootPaths>({ baseUrl: BASE });
const name = unique("openapi-fetch");
const key = crypto.randomUUID();

async function signIn(email: string, app: string, tenant?: string): Promise<{ Authorization: string }> {
  const body = { email, password: PASSWORD, resource: BASE + app, tenant };
  const { data, error } = await auth.POST("/auth/login", { body });
  return { Authorization: `Bearer ${there(data, error).access_token}` };
}

await step("a wrong password is refused", async () => {
  const body = { email: OWNER, password: "wrong", resource: `${BASE}/api`, tenant: "acme" };
  const { error, response } = await auth.POST("/auth/login", { body });
  assert.equal(response.status, 401);
  hasCode(error, "login_refused");
});

const headers = await signIn(OWNER, "/api", "acme");
const owner = createClient<TenantsPaths>({ baseUrl: `${BASE}/api`, headers });

await step("the owner who signed in reads the tenant", async () => {
  const { data, error } = await owner.GET("/v1/tenant");
  assert.equal(there(data, error).slug, "acme");
});

const create = (title: string, key?: string) =>
  owner.POST("/v1/projects", { body: { name: title }, params: { header: { "Idempotency-Key": key } } });

const made = await create(`${name} 1`, key);
const project = there(made.data, made.error);

await step("a repeated request with the same idempotency key makes no second project", async () => {
  const { data, error, response } = await create(`${name} 1`, key);
  assert.equal(response.status, 201);
  assert.equal(there(data, error).id, project.id);
});

await step("a name that is taken is a conflict", async () => {
  const { error, response } = await create(`${name} 1`);
  assert.equal(response.status, 409);
  hasCode(error, "project_name_taken");
});

await step("an invalid field is named", async () => {
  const { error, response } = await create("");
  assert.equal(response.status, 422);
  hasCode(error, "invalid_request");
  assert.deepEqual(there(error?.field_errors).map((each) => each.field), ["name"]);
});

await step("the pages of a list hold each project once", async () => {
  assert.equal((await create(`${name} 2`)).response.status, 201);
  assert.equal((await create(`${name} 3`)).response.status, 201);
  const found: Project[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const query = { search: name, sort_by: "name" as const, limit: 2, cursor };
    const { data, error } = await owner.GET("/v1/projects", { params: { query } });
    const page = there(data, error);
    found.push(...page.items);
    cursor = page.next_cursor ?? undefined;
    pages += 1;
  } while (cursor);
  assert.equal(pages, 2);
  assert.deepEqual(found.map((each) => each.name), [1, 2, 3].map((number) => `${name} ${number}`));
});

const read = await owner.GET("/v1/projects/{project_id}", { params: { path: { project_id: project.id } } });
const tag = there(read.response.headers.get("ETag"));
const change = (description: string) =>
  owner.PATCH("/v1/projects/{project_id}", {
    params: { path: { project_id: project.id }, header: { "If-Match": tag } },
    body: { description, status: "archived" },
  });

await step("a change of the current version is made", async () => {
  const { data, error, response } = await change("Eleven miles");
  assert.equal(there(data, error).description, "Eleven miles");
  assert.equal(there(data).status, "archived");
  assert.notEqual(response.headers.get("ETag"), tag);
});

await step("a change of an outdated version is refused", async () => {
  const { error, response } = await change("Twelve miles");
  assert.equal(response.status, 412);
  hasCode(error, "precondition_failed");
});

await step("an API key reads, and may do no more than it was given", async () => {
  const issued = await owner.POST("/v1/api-keys", { body: { name, actions: ["project:read"] } });
  const bearer = { Authorization: `Bearer ${there(there(issued.data, issued.error).key)}` };
  const machine = createClient<TenantsPaths>({ baseUrl: `${BASE}/api`, headers: bearer });
  const { data, error } = await machine.GET("/v1/projects", { params: { query: { search: name } } });
  assert.equal(there(data, error).items.length, 3);
  const refused = await machine.POST("/v1/projects", { body: { name: `${name} 4` } });
  assert.equal(refused.response.status, 403);
  hasCode(refused.error, "forbidden");
});

await step("staff find the tenant", async () => {
  const admin = createClient<AdminPaths>({ baseUrl: `${BASE}/admin`, headers: await signIn(STAFF, "/admin") });
  const { data, error } = await admin.GET("/v1/tenants", { params: { query: { search: "acme", status: "active" } } });
  assert.deepEqual(there(data, error).items.map((each) => [each.slug, each.plan]), [["acme", "pro"]]);
});

await step("the owner reads what the tenant pays for", async () => {
  const headers = await signIn(OWNER, "/billing", "acme");
  const billing = createClient<BillingPaths>({ baseUrl: `${BASE}/billing`, headers });
  const { data, error } = await billing.GET("/v1/subscription");
  const { plan } = there(data, error);
  assert.deepEqual([plan.key, plan.interval, plan.price.currency], ["pro", "month", "eur"]);
});
