// What is set before a run, read from native controls.

const READ = {
  Number: (control) => Number(control.querySelector("input").value),
  Options: (control) => (control.querySelector("input:checked") ?? control.querySelector("select")).value,
  Switch: (control) => control.querySelector("input").checked,
  Line: (control) => control.querySelector("input").value,
};

/** Return the value of each control in a form, by name. */
export function controlValues(form) {
  const controls = [...form.querySelectorAll("[data-control]")];
  return Object.fromEntries(
    controls.map((control) => [control.dataset.control, READ[control.dataset.kind](control)]),
  );
}

/** Show beside each slider the number that it stands at. */
export function joinSliders(root) {
  for (const slider of root.querySelectorAll(".slider input")) {
    const output = slider.parentElement.querySelector("output");
    const show = () => {
      output.textContent = slider.value;
    };
    slider.addEventListener("input", show);
    show();
  }
}
