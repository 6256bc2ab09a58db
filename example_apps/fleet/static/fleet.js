// A session token lives for a minute, and only a GET can renew it. So before a form is sent, and before
// the live connection opens, one small GET sees to it that the token is fresh. Where nobody is signed in
// any more, loading the page anew leads to sign-in. (Clerk's own JavaScript would renew it in the
// background.)
async function isSignedIn() {
  const answer = await fetch("/api/me", { cache: "no-store" }).catch(() => null);
  if (answer && answer.status === 401) location.reload();
  return !answer || answer.ok;
}

for (const form of document.querySelectorAll('form[method="post"]')) {
  let isChecked = false;
  form.addEventListener("submit", async (event) => {
    if (isChecked) {
      isChecked = false;
      return;
    }
    event.preventDefault();
    const button = event.submitter;
    if (!(await isSignedIn())) return;
    isChecked = true;
    form.requestSubmit(button); // with the button's name, where a form has several
  });
}

// Where the trucks are comes by a WebSocket, or is asked for once a second.
const trucks = document.querySelector("[data-live], [data-poll]");
const connection = document.querySelector("#connection");
if (trucks) (trucks.dataset.live ? follow : poll)();

function show(positions) {
  connection.textContent = "Connected";
  trucks.replaceChildren(...positions.map(row));
}

async function follow() {
  if (!(await isSignedIn())) return;
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}${trucks.dataset.live}`);
  socket.onmessage = (message) => show(JSON.parse(message.data));
  socket.onclose = () => {
    connection.textContent = "Connecting …";
    setTimeout(follow, 1000);
  };
}

async function poll() {
  const answer = await fetch(trucks.dataset.poll, { cache: "no-store" }).catch(() => null);
  if (answer && answer.status === 401) return location.reload();
  if (answer && answer.ok) show(await answer.json());
  else connection.textContent = "Connecting …";
  setTimeout(poll, 1000);
}

function row(truck) {
  const item = document.createElement("li"), text = document.createElement("span");
  const name = document.createElement("b"), route = document.createElement("span");
  const meter = document.createElement("span"), percent = document.createElement("span");
  const progress = document.createElement("progress");
  item.className = "row";
  text.className = "grow";
  name.textContent = truck.driver;
  route.textContent = `${truck.origin} → ${truck.destination}`;
  progress.max = 100;
  progress.value = truck.percent;
  progress.ariaLabel = `${truck.driver}, part of the way`;
  meter.className = "meter";
  percent.className = "percent";
  percent.textContent = `${Math.round(truck.percent)} % of the way`;
  meter.append(progress, percent);
  text.append(name, route);
  item.append(text, meter);
  return item;
}
