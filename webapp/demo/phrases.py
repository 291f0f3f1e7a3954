"""What simulated candidates write, phrase by phrase, in the languages that people write exams in."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "analysis": (
        "First I compute both partial derivatives and set them to zero. ",
        "From the second equation x = 1/(3y), so y ≠ 0. ",
        "The Hessian there is negative definite, hence a local maximum. ",
        "By symmetry the same holds at (−a, −b). ",
        "No, wait: the sign of the mixed derivative is wrong above, it should be −6y. ",
        "Jag använder kedjeregeln: F′(x) = 2x · f(x²). ",
        "The terms decrease for n ≥ 1 and go to zero, so Leibniz applies. ",
        "Absolutkonvergens: jämför med den harmoniska serien. ",
        "Let y(t) be the salt in kilograms; then y′ = −y/50 with y(0) = 15. ",
        "Damit ist y(30) = 15·e^(−3/5) ≈ 8,23 kg. ",
        "设 f 在 [a, b] 上连续, 则结论成立。",
        "This proves the claim. ∎\n",
    ),
    "law": (
        "The question must be answered in three steps. ",
        "First, is the measure within the scope of the right at all? ",
        "Second, the interference has to rest on a law that is precise enough. ",
        "Third, it must be suitable, necessary and proportionate in the narrow sense. ",
        "A ban of a whole year for all gatherings is hardly the mildest means. ",
        "Förbudet är alltså inte proportionerligt. ",
        "Regjeringen kan imidlertid hevde at faren var konkret. ",
        "One may object that the council knows local conditions best. ",
        "أما الرقابة السابقة فتكون قبل نفاذ القانون. ",
        "Dicey's sentence was written before membership in any union of states. ",
        "In conclusion, the applicant should succeed on the second ground. \n",
    ),
    "biology": (
        "Proximal row: scaphoid, lunate, triquetrum, pisiform. ",
        "Distal row: trapezium, trapezoid, capitate, hamate. ",
        "Blood passes the tricuspid valve into the right ventricle. ",
        "Through the pulmonary arteries it reaches the capillaries of the lungs. ",
        "Pulmonary veins → left atrium → mitral valve → left ventricle. ",
        "The common fibular nerve winds around the neck of the fibula. ",
        "Därför blir det droppfot: dorsalflexionen är svag. ",
        "عصب پرونئال مشترک آسیب دیده است. ",
        "Sensation on the back of the foot should be tested too. \n",
    ),
}
