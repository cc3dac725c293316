"""Common given and family names of many countries, in lower case.

Chosen by hand from the most frequent ones of national statistics (US Social Security Administration
and Census Bureau, in the public domain, and their like elsewhere); words that are as often something
else, like april, rose, chase or page, are left out.
"""

_GIVEN = """
aaron abdul adam adele adrian agnes ahmed aisha alan albert alejandro alex alexander alexandra alexis
alfred ali alice alicia alison amanda amina amy ana anastasia andrea andreas andrei andrew angela anil
anita anja anke ann anna anne annette annie antonio anthony arjun arthur ashley astrid barbara beatrice
ben benjamin bernard beth betty bettina bianca birgit björn boris brandon brenda brian bruce bruno bryan
camille carl carla carlos carmen carol caroline caterina catherine cecilia chantal charles charlotte
chen chiara chloe chloé chris christian christina christine christopher claire clara claudia colin
conor craig cristina cynthia daniel daniela danielle david deborah debra deepak denise dennis diana diane
diego diether dieter dimitri dirk dmitri dolores dominik donald donna doris dorothy douglas edith eduardo
edward elena eleni elias elif elisa elisabeth elizabeth ella ellen elsa emily emine emma emmanuel eric
erica erik erika ernesto esther ethan eugene eva evelyn fabian fabio farid fatima fatma federico felix
fernando filip fiona florian frances francesca francesco francis francisco françois frank franz frederic
friedrich fritz gabriel gabriela gary george gerald gerhard giorgio giovanni giulia giuseppe gloria
gonzalo gordon gregory greta guillaume gunther gustavo haruto hannah hans harold hassan heather heidi
heinrich helen helena helga henri henry hiroshi hugo hussein ian ibrahim ines ingrid irene irina isabel
isabella isabelle ivan jack jacob jacqueline jacques james jan jane janet janice jason javier jean
jeffrey jennifer jens jeremy jesse jessica jesus jim joan joanna joel johan johann johannes john johnny
jonas jonathan jorge jose josé joseph joshua joyce juan judith judy julia julian julie jun jürgen justin
jörg kai karen karl karin katarina kate katherine kathleen kathryn katja keiko keith kelly kenji kenneth
kevin khalid kimberly klaus kofi kristin kumar lars laura lauren laurent layla lea lena leo leon leonard
leonardo leonie leslie liam lina linda lisa logan lorenzo louis louise luca lucas lucia luis luisa
lukas luke magdalena mahmoud manfred manuel manuela marco marcus margaret maria mariana marie marilyn
mario marion mark markus marta martha martin martina mary maryam mateo mathieu matteo matthew matthias
max maximilian megan mehmet mei melanie melissa mia michael michaela michel michelle miguel mika mikhail
ming mohamed mohammad mohammed monica monika moritz mustafa nadia nancy natalia natalie natasha nathan
nicholas nick nicola nicolas nicole nikolai nina noah nora norbert olga oliver olivia omar oscar otto
pablo pamela patricia patrick paul paula paulo pavel pedro peter petra philip philipp philippe pierre
piotr priya rachel rafael rahul raj rajesh ralf ralph ramon raquel raul raymond rebecca reinhard renate
rene ricardo richard robert roberto robin roger roland ronald rosa rosemary roxane rudolf russell ruth
ryan sabine sakura salma samantha samir samuel sandra sandro sanjay sara sarah sebastian sergei sergey
sergio sharon shirley silvia simon simone sofia sofie sonia sophia sophie stefan stefanie stella stephan
stephanie stephen steven stuart sunil susan susanne suzanne svetlana sven sylvia takashi tamara tanja
tatiana teresa thomas theresa theo tiffany tim timothy tobias todd tomas tomoko torsten tracy tyler ulrich
ursula ute valentina valeria vanessa vera veronica victor victoria viktor vikram vincent virginia
vladimir volker walter wei werner wilhelm william wolfgang xavier xin yasmin yolanda yuki yuri yusuf
yvonne zeynep zoe
"""

_FAMILY = """
abdullah adams ahmed akhtar alexander ali allen almeida alonso alvarez andersen anderson andersson
andrews antonov aydin bailey baker bakker barbieri barnes bauer becker bell bennett bernard bianchi
bonnet bos bouchard brooks brown bruno bryant butler campbell carlsen carter castillo castro chan chang
chavez chen chevalier choi christensen chukwu clark cohen coleman collins colombo conti cook cooper costa
cox cruz da das davies davis de dekker delgado demir diaz díaz dietrich dijkstra dubois duarte dupont
durand edwards eriksson esposito evans fernandes fernandez fernández ferrari ferreira fischer fisher
flores fontaine ford foster fournier fuchs fujita gallo garcia garcía garnier gibson girard gomes gomez
gómez gonzales gonzalez gonzález graham gray greco green griffin gupta gustafsson gutierrez hahn hall
hamilton hansen harris harrison hartmann haas hassan hayes henderson henry hernandez hernández herrmann
hill hoang hoffmann horvath howard huang huber hughes hussain ibrahim ito ivanov ivanova jackson jacobs
jain james jansen jansson jensen jenkins jimenez johansen johansson johnson jones jordan joshi jovanovic
kaiser kaplan kaur kaya keller kelly kennedy khan kim king klein koch kobayashi kovac kovacs kowalski
kowalczyk krause krüger kumar kuznetsov lambert lang larsen larsson lee lefebvre lehmann leroy lewandowski
lewis li lima lin lindberg liu long lopes lopez lópez lorenz ma mancini marino markovic marques marshall
martin martinez martínez martins mason mayer mazur mbeki mccarthy mcdonald mehta meier mendoza mercier
meyer miller mishra mitchell mohamed molina moore morales moreau moreno moretti morgan mori morris
mueller mukherjee muller murphy murray müller myers nagy nair nakamura navarro nelson neumann nguyen
nielsen nilsson novak novikov nowak nunez obrien oconnor okafor oliveira olsen olsson ortega ortiz
osman owens özdemir park parker patel patil pavlov pedersen pereira perez pérez perry persson peters
petersen peterson petrov pham phillips pinto popescu popov powell price ramirez ramos rao rasmussen reed
reid reyes reynolds ribeiro ricci richard richards richardson richter rivera rizzo roberts robertson
robinson rodrigues rodriguez rodríguez rogers romano romero rossi rousseau roux ruiz russo ryan şahin
saito sanchez sánchez sanders santos sato schäfer schmid schmidt schmitz schneider scholz schröder
schubert schulte schulz schulze schwartz schwarz scott sharma shah silva simmons simon simpson singh
smirnov smit smith soares sokolov sousa souza stewart stevens subramanian sullivan suzuki svensson tanaka
tan taylor thomas thompson tran torres toth tremblay turner vargas vasquez vazquez vega vidal visser vogel
volkov wagner walker wallace walsh wang ward washington watanabe watson weber weiß werner white wilson
williams winkler wojcik wolf wong wood wright wu xu yamada yamamoto yang yildiz yilmaz young yu zhang zhao
zhou ziegler zimmermann
"""

GIVEN = frozenset(_GIVEN.split())
FAMILY = frozenset(_FAMILY.split())
