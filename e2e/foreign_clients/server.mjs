// An Express application with Clerk's own middleware: it says who a request is, as ours beside it do.
//
// It is configured by Clerk's environment variables, and these:
//   LISTENING_FD                the socket to serve
//   CLERK_AUTHORIZED_PARTIES    origins, separated by commas
//   CLERK_FRONTEND_API_PROXY    a path, under which it proxies the Frontend API
//   CLERK_ORGANIZATION_PATTERNS a path whose :slug is the organization to activate
//   CLERK_SATELLITE_AUTO_SYNC   whether a satellite asks without a cookie, too
// which are those of our applications.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { clerkClient, clerkMiddleware, getAuth, requireAuth } from "@clerk/express";
import { verifyWebhook } from "@clerk/express/webhooks";
import express from "express";

const {
  CLERK_AUTHORIZED_PARTIES,
  CLERK_FRONTEND_API_PROXY,
  CLERK_ORGANIZATION_PATTERNS,
  CLERK_SATELLITE_AUTO_SYNC,
} = process.env;

const conditions = JSON.parse(readFileSync(new URL("conditions.json", import.meta.url), "utf8")).map(
  ({ reverification, ...asked }) => ({
    ...asked,
    ...(reverification === undefined ? {} : { reverification: inCamelCase(reverification) }),
  }),
);

function inCamelCase(reverification) {
  if (typeof reverification === "string") return reverification;
  return { level: reverification.level, afterMinutes: reverification.after_minutes };
}

const PROPERTIES = [
  "isAuthenticated", "tokenType", "userId", "sessionId", "sessionStatus", "sessionClaims", "actor",
  "orgId", "orgRole", "orgSlug", "orgPermissions", "factorVerificationAge",
  "id", "subject", "scopes", "claims", "name", "machineId", "clientId",
];

function described(auth) {
  const properties = Object.fromEntries(PROPERTIES.map((name) => [name, auth[name] ?? null]));
  return { ...properties, has: conditions.map((condition) => auth.has(condition)) };
}

const app = express();
const options = {};
if (CLERK_AUTHORIZED_PARTIES) options.authorizedParties = CLERK_AUTHORIZED_PARTIES.split(",");
if (CLERK_FRONTEND_API_PROXY) options.frontendApiProxy = { enabled: true, path: CLERK_FRONTEND_API_PROXY };
if (CLERK_ORGANIZATION_PATTERNS) {
  options.organizationSyncOptions = { organizationPatterns: CLERK_ORGANIZATION_PATTERNS.split(",") };
}
if (CLERK_SATELLITE_AUTO_SYNC) options.satelliteAutoSync = true;
app.use(clerkMiddleware(options));

app.get(["/who", "/orgs/:slug"], (request, response) => {
  response.json(described(getAuth(request, { acceptsToken: "any" })));
});

app.get("/who/pending", (request, response) => {
  response.json(described(getAuth(request, { treatPendingAsSignedOut: false })));
});

app.get("/of/:types", (request, response) => {
  const types = request.params.types.split(",");
  const auth = getAuth(request, { acceptsToken: types.length === 1 ? types[0] : types });
  response.status(auth.isAuthenticated ? 200 : 401).json(described(auth));
});

app.get("/private", requireAuth(), (request, response) => {
  response.json(described(getAuth(request)));
});

app.get("/token/:template", async (request, response) => {
  response.json(await getAuth(request).getToken({ template: request.params.template }));
});

// What a program on this server does by clerkClient: clerkClient.users.getUser("user_...").
app.post("/clerk-client/:resource/:method", express.json(), async (request, response) => {
  const { resource, method } = request.params;
  try {
    response.json({ result: (await clerkClient[resource][method](...request.body)) ?? null });
  } catch (error) {
    if (!error.clerkError) throw error;
    response.json({ status: error.status ?? null, errors: error.errors });
  }
});

const webhooks = [];
app.post("/webhooks", express.raw({ type: "application/json" }), async (request, response) => {
  try {
    const { type, data } = await verifyWebhook(request);
    webhooks.push([type, data.id, data.first_name ?? null]);
    response.status(204).end();
  } catch {
    response.status(400).end();
  }
});

app.get("/webhooks", (request, response) => {
  response.json(webhooks);
});

const server = createServer(app);
server.listen({ fd: Number(process.env.LISTENING_FD) }, () => console.log("listening"));
process.on("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
