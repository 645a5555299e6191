// The devices of the user who is logged in, and the end of this page's session.

const list = document.getElementById('devices');
const template = document.getElementById('device');
const everywhere = document.getElementById('everywhere');
const ended = document.getElementById('ended');

export const isShown = list !== null;

export function show(devices) {
  list.replaceChildren(...devices.map(item));
  everywhere.hidden = devices.length < 2;
}

export function end() {
  ended.hidden = false;
  list.replaceChildren();
  everywhere.hidden = true;
}

function item(device) {
  const element = template.content.firstElementChild.cloneNode(true);
  const since = new Date(device.created_at * 1000).toLocaleTimeString([], {timeStyle: 'short'});
  element.querySelector('h3').textContent = device.device;
  element.querySelector('p').textContent = `since ${since}`;
  element.querySelector(device.is_this ? 'form' : '.badge').remove();
  if (!device.is_this) {
    element.querySelector('[name=session]').value = device.id;
    element.querySelector('button').setAttribute('aria-label', `End ${device.device}, since ${since}`);
  }
  return element;
}
