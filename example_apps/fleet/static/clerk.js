// Clerk's components on pages that the server renders. Clerk's own scripts come before this one: all of them
// are deferred, which keeps their order.
(async ({ nonce, dataset: { signInUrl, signUpUrl, redirectOrigins, isSatellite } }) => {
  // The steps of signing in have paths of their own, which need no new page. Everything else does.
  const isStep = (to) =>
    ["/sign-in", "/sign-up"].some((page) => location.pathname.startsWith(page) && to.startsWith(page));

  await Clerk.load({
    ui: { ClerkUI: window.__internal_ClerkUICtor },
    nonce,
    signInUrl,
    signUpUrl,
    isSatellite: isSatellite === "true",
    signInFallbackRedirectUrl: "/dashboard",
    signUpFallbackRedirectUrl: "/dashboard",
    allowedRedirectOrigins: [location.origin, ...redirectOrigins.split(" ").filter(Boolean)],
    routerPush: (to, { windowNavigate }) =>
      isStep(to) ? history.pushState(null, "", to) : windowNavigate(to),
    routerReplace: (to, { windowNavigate }) =>
      isStep(to) ? history.replaceState(null, "", to) : windowNavigate(to),
    telemetry: false,
  });

  const mount = {
    "sign-in": (node) => Clerk.mountSignIn(node, { path: "/sign-in" }),
    "sign-up": (node) => Clerk.mountSignUp(node, { path: "/sign-up" }),
    "user-button": (node) => Clerk.mountUserButton(node, { afterSwitchSessionUrl: "/dashboard" }),
    "organization-switcher": (node) =>
      Clerk.mountOrganizationSwitcher(node, {
        afterSelectOrganizationUrl: "/dashboard",
        afterSelectPersonalUrl: "/dashboard",
        afterCreateOrganizationUrl: "/dashboard",
        afterLeaveOrganizationUrl: "/dashboard",
        skipInvitationScreen: true, // the new organization is active, so the page is a new one
      }),
  };
  const nodes = [...document.querySelectorAll("[data-clerk]")];
  for (const node of nodes) mount[node.dataset.clerk](node);

  // The server has rendered the page for one session and organization: for others it has to do so anew, such
  // as after signing out in another tab. While Clerk changes them, the session is undefined. (The pages to
  // sign in and up go on by themselves.)
  const has = (name) => nodes.some((node) => node.dataset.clerk === name);
  if (has("sign-in") || has("sign-up")) return;
  const rendered = `${Clerk.session?.id} ${Clerk.organization?.id}`;
  Clerk.addListener(({ session, organization }) => {
    if (session !== undefined && `${session?.id} ${organization?.id}` !== rendered) location.reload();
  });
  // Or the session has ended while its last token was still good. Once will do, whatever comes of it.
  const isReloaded = performance.getEntriesByType("navigation")[0].type === "reload";
  if (has("user-button") && !Clerk.session && !isReloaded) location.reload();
})(document.currentScript);

// A form that the server may ask a fresh verification for: its answer is 403 with a `clerk_error` then. Clerk
// verifies in a dialog, and the form is sent again.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (event.defaultPrevented || !("reverify" in form.dataset)) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const send = () => fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });

  let answer = await send();
  const level = await levelAskedBy(answer);
  if (level) {
    if (!(await verified(level))) return;
    answer = await send();
  }
  if (answer.ok) location.assign(answer.url); // where the server has redirected to
  else form.submit(); // the server has a page for each refusal
});

async function levelAskedBy(answer) {
  if (answer.status !== 403) return null;
  const { clerk_error: error } = await answer.json();
  if (error?.reason !== "reverification-error") return null;
  // A level and an age in minutes, or the name of a preset, such as "strict".
  const asked = error.metadata.reverification;
  return asked?.level ?? (asked === "strict_mfa" ? "multi_factor" : "second_factor");
}

function verified(level) {
  return new Promise((resolve) =>
    Clerk.__internal_openReverification({
      level,
      afterVerification: () => resolve(true),
      afterVerificationCancelled: () => resolve(false),
    }),
  );
}
