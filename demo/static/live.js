// The start page: draws what the live stream tells, and sends what is clicked.

import {Bucket} from './bucket.js';
import {Caller} from './caller.js';
import * as devices from './devices.js';
import {Timeline} from './timeline.js';

const LONGEST_TABLE = 12;
const MOST_CALLERS = 8;
const ALWAYS_THERE = ['ada', 'grace', 'linus'];

const find = id => document.getElementById(id);
const limits = JSON.parse(find('limits').textContent);
const names = new Map([...limits.caller, ...limits.everyone].map(it => [it.name, it.text]));
const callers = new Map();
const shared = new Bucket(limits.everyone[0], 'all callers');
const timeline = new Timeline(find('timeline'));

// A user and an API key may have the same name, and have different buckets then.
function labelOf(kind, name) {
  return kind === 'session' ? `${name} (session)` : name;
}

function callerOf(kind, name) {
  const key = `${kind}:${name}`;
  if (!callers.has(key)) {
    if (callers.size === MOST_CALLERS) return undefined;
    const caller = new Caller(kind, name, limits.caller);
    callers.set(key, caller);
    find('callers').append(caller.element);
    timeline.lane(key, labelOf(kind, name));
  }
  return callers.get(key);
}

function noteShared(record) {
  shared.note(record.full_in_ms[shared.limit.name] ?? 0);
  find('admitted').textContent = record.admitted;
  find('denied').textContent = record.denied;
  find('memory').textContent = record.from_memory;
}

function decided(decision) {
  const {kind, name} = decision.caller;
  noteShared(decision.shared);
  if (decision.denied_by === shared.limit.name) shared.denied();
  const caller = callerOf(kind, name);
  if (caller !== undefined) {
    caller.note(decision.caller);
    caller.decided(decision);
    timeline.note(`${kind}:${name}`, decision.allowed);
  }
  addRow(labelOf(kind, name), ...outcome(decision), decision.allowed);
}

function outcome(decision) {
  if (decision.allowed) return ['200', 'admitted'];
  if (decision.outage) return ['503', 'the table was out of reach'];
  const seconds = (decision.retry_after_ms / 1000).toFixed(3);
  const where = decision.from_memory ? ', from memory' : '';
  return ['429', `over ${names.get(decision.denied_by)}, retry after ${seconds} s${where}`];
}

function addRow(name, status, why, allowed) {
  const row = find('requests').insertRow(0);
  for (const text of [name, status, why]) row.insertCell().textContent = text;
  row.cells[1].className = allowed ? 'admitted' : 'denied';
  while (find('requests').rows.length > LONGEST_TABLE) find('requests').deleteRow(-1);
}

// A screen reader hears a summary each few seconds, not each request of a flood.
function summarise() {
  const [admitted, denied] = [find('admitted').textContent, find('denied').textContent];
  const text = `${admitted} admitted and ${denied} denied so far.`;
  const none = admitted === '0' && denied === '0';
  if (!none && find('summary').textContent !== text) find('summary').textContent = text;
}

function draw(now) {
  for (const caller of callers.values()) caller.draw(now);
  shared.draw(now);
  timeline.draw(now);
  requestAnimationFrame(draw);
}

function listen() {
  const stream = new EventSource(devices.isShown ? '/live?devices' : '/live');
  const on = (event, then) =>
    stream.addEventListener(event, message => then(JSON.parse(message.data)));
  on('board', board => {
    noteShared(board.shared);
    for (const record of board.callers) callerOf(record.kind, record.name)?.note(record);
    document.documentElement.dataset.live = 'on';
  });
  on('decision', decided);
  on('devices', message => devices.show(message.devices));
  on('ended', devices.end);
}

for (const name of ALWAYS_THERE) callerOf('key', name);
const me = find('callers').dataset;
callerOf(me.kind, me.name);
find('shared').append(shared.element);
find('flood-all').addEventListener('click', () => {
  for (const caller of callers.values()) caller.flood();
});
setInterval(summarise, 3000);
requestAnimationFrame(draw);
listen();
