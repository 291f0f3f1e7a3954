// What the dialogs of the monitor need: forms for messages and for actions, and what is told after them. They listen in
// this order: what closes the dialog comes before what opens it.
/* oxlint-disable import/no-unassigned-import -- each of them acts by itself */
import "./compose-drafts.js";
import "./compose-quick-texts.js";
import "./compose.js";
import "./compose-sent.js";
import "./monitor-actions.js";
import "./action-drafts.js";
import "./dialog.js";
