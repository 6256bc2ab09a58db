// Clerk's components on pages that the server renders. Clerk's own scripts come before this one: all of them
// are deferred, which keeps their order.
(async ({ nonce, dataset: { signInUrl, signUpUrl, redirectOrigins = "", isSatellite } }) => {
  // The steps of signing in have paths of their own, which need no new page. Everything else does.
  const isStep = (to) =>
    ["/sign-in", "/sign-up"].some((page) => location.pathname.startsWith(page) && to.startsWith(page));

  // The server has rendered the page for one session and organization: for others it has to do so anew, such
  // as after signing out in another tab. But a reload would cancel Clerk's way to another page, or a reload.
  const shown = ({ session, organization }) => `${session?.id} ${organization?.id}`;
  let rendered; // where the server did so
  let isLeaving = false;
  const leave = (go) => {
    isLeaving = true;
    setTimeout(stay, 30_000); // a link within the page leads to no other
    go();
  };
  const stay = () => {
    isLeaving = false;
    renderAnew(Clerk);
  };
  const renderAnew = (now) => {
    if (isLeaving || rendered === undefined || now.session === undefined) return; // undefined: under way
    if (shown(now) !== rendered) leave(() => location.reload());
  };
  addEventListener("pageshow", ({ persisted }) => persisted && stay()); // back here, by the Back button

  const goTo = (takeStep) => (to, { windowNavigate }) =>
    isStep(to) ? takeStep(to) : leave(() => windowNavigate(to));

  await Clerk.load({
    ui: { ClerkUI: window.__internal_ClerkUICtor },
    nonce,
    signInUrl,
    signUpUrl,
    isSatellite: isSatellite === "true",
    signInFallbackRedirectUrl: "/dashboard",
    signUpFallbackRedirectUrl: "/dashboard",
    allowedRedirectOrigins: [location.origin, ...redirectOrigins.split(" ").filter(Boolean)],
    routerPush: goTo((to) => history.pushState(null, "", to)),
    routerReplace: goTo((to) => history.replaceState(null, "", to)),
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

  // The pages to sign in and up go on by themselves.
  const has = (name) => nodes.some((node) => node.dataset.clerk === name);
  if (has("sign-in") || has("sign-up")) return;
  rendered = shown(Clerk);
  Clerk.addListener(renderAnew);
  // Or the session has ended while its last token was still good. Once will do, whatever comes of it.
  const isReloaded = performance.getEntriesByType("navigation")[0].type === "reload";
  if (has("user-button") && !Clerk.session && !isReloaded) leave(() => location.reload());
})(document.currentScript);

// A form that the server may ask a fresh verification for: it refuses with a `clerk_error` then. Clerk verifies
// in a dialog, and the form is sent again. For any other refusal the server has a page, which a script has not:
// so the form is sent once more, without one.
const REFUSED = [401, 403, 422];
const PRESETS = {
  strict_mfa: "multi_factor",
  strict: "second_factor",
  moderate: "second_factor",
  lax: "second_factor",
};

document.addEventListener("submit", async (event) => {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !("reverify" in form.dataset)) return;
  event.preventDefault();
  if (form.ariaBusy === "true") return; // a second click
  form.ariaBusy = "true"; // until there is another page
  try {
    const body = new URLSearchParams(new FormData(form, submitter));
    const send = () => fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
    let answer = await send();
    const level = await levelAskedBy(answer);
    if (level) {
      if (!(await verified(level))) return (form.ariaBusy = null);
      answer = await send();
    }
    if (answer.ok || answer.redirected) return location.assign(answer.url); // it is done, and there is the result
    if (!REFUSED.includes(answer.status)) throw new Error(`${answer.status}`);
    delete form.dataset.reverify;
    form.requestSubmit(submitter);
  } catch {
    // It may have been done all the same: never send it again without being asked to.
    alert("That did not work, or not to the end. Load the page again to see what was done.");
  }
});

async function levelAskedBy(answer) {
  const told = answer.status === 403 ? await answer.json().catch(() => null) : null;
  const error = told?.clerk_error;
  if (error?.type !== "forbidden" || error.reason !== "reverification-error") return null;
  const asked = error.metadata?.reverification ?? "strict"; // a level and an age, or the name of a preset
  return asked.level ?? PRESETS[asked];
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
