/* Solves the challenge on the page that answers the sign-up form, then sends the form on. Whatever goes wrong, the button stays. */
"use strict";

const form = document.getElementById("work");
const waiting = document.getElementById("waiting");
const byHand = document.getElementById("by-hand");
const challenge = JSON.parse(form.dataset.challenge);

function leaveItToTheButton() {
  waiting.hidden = true;
  byHand.hidden = false;
}

function sendOn(solution) {
  form.elements.altcha.value = btoa(JSON.stringify({ challenge, solution }));
  form.elements.ticket.value = "";
  form.submit();
}

if (window.Worker && window.isSecureContext) {
  byHand.hidden = true;
  waiting.hidden = false;
  const progress = waiting.querySelector("progress");
  const worker = new Worker(form.dataset.guesser);
  worker.onerror = leaveItToTheButton;
  worker.onmessage = ({ data }) => {
    if (data.solution) sendOn(data.solution);
    else if (data.failed) leaveItToTheButton();
    else progress.value = data.tried;
  };
  worker.postMessage(challenge.parameters);
}
